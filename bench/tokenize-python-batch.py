"""SmolLM2's tokenizer through Python's encode_batch on one thread, ids read as lists: MB per CPU second of the first pass."""
import _tokenizers

better = "higher"


def run():
    return _tokenizers.row("bpe", "cold", ["tokenizers"], what="batch", through_python=True)
