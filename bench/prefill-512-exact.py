"""Prompt tokens per second at 512 tokens, SmolLM2-135M in bf16 arithmetic (--dtype bf16), beside transformers in the same."""
import _model

better = "higher"


def run():
    rates = _model.bf16_rates()
    peers = {name: rate["prefill"] for name, rate in rates.items() if not name.startswith("ours")}
    return {"unit": "tokens/s", "ours": rates["ours in bf16"]["prefill"], "peers": peers}
