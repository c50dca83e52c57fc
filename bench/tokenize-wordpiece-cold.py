"""A WordPiece vocabulary of BERT's size with BERT's parts, one thread: MB per CPU second, first pass."""
import _tokenizers

better = "higher"


def run():
    return _tokenizers.row("wordpiece", "cold", ["nanotoken", "tokie", "tokenizers"])
