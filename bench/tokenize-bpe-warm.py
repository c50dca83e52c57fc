"""SmolLM2's byte-level BPE, one thread: MB per CPU second, second pass over the same text."""
import _tokenizers

better = "higher"


def run():
    return _tokenizers.row("bpe", "warm", ["fastokens", "gigatoken", "tokie", "tokenizers"])
