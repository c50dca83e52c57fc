"""Byte-level BPE (SmolLM2's merges, GPT-2's pattern), one thread: MB per CPU second, second pass over the same text."""
import _tokenizers

better = "higher"


def run():
    return _tokenizers.row("bpe", "warm", ["fastokens", "gigatoken", "tokie", "tokenizers"])
