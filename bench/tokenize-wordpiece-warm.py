"""A WordPiece vocabulary of BERT's size with BERT's parts, one thread: MB per CPU second, second pass."""
import _tokenizers

better = "higher"


def run():
    return _tokenizers.row("wordpiece", "warm", ["nanotoken", "tokie", "tokenizers"])
