"""SmolLM2's tokenizer with offsets and word ids, one thread: MB per CPU second. The goal is 40 times the peer."""
import _tokenizers

better = "higher"


def run():
    return _tokenizers.row("bpe", "cold", ["tokenizers"], what="offsets")
