"""Prompt tokens per second at 512 tokens, SmolLM2-135M Q4_1, fast numerics."""
import _model

better = "higher"


def run():
    return _model.row("prefill")
