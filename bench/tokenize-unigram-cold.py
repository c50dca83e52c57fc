"""A Unigram vocabulary of up to 32,000 pieces, one thread: MB per CPU second, first pass."""
import _tokenizers

better = "higher"


def run():
    return _tokenizers.row("unigram", "cold", ["tokie", "tokenizers"])
