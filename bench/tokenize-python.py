"""SmolLM2's tokenizer through Python, document by document, ids read as a list: MB per CPU second of the first pass."""
import _tokenizers

better = "higher"


def run():
    return _tokenizers.row("bpe", "cold", ["tokenizers"], through_python=True)
