"""Byte-level BPE (SmolLM2's merges, GPT-2's pattern), one thread: MB per CPU second, first pass over unseen text."""
import _tokenizers

better = "higher"


def run():
    return _tokenizers.row("bpe", "cold", ["fastokens", "gigatoken", "tokie", "tokenizers"])
