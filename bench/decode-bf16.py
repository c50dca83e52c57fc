"""Tokens per second of one stream, SmolLM2-135M with weights in bf16 and f32 arithmetic. Limit: each token reads all weights
from memory."""
import _common
import _model

better = "higher"
WEIGHT_BYTES = 269_000_000


def run():
    rates = _model.bf16_rates()
    peers = {name: rate["decode"] for name, rate in rates.items() if not name.startswith("ours")}
    return {"unit": "tokens/s", "ours": rates["ours"]["decode"], "peers": peers, "limit": _common.read_bandwidth() / WEIGHT_BYTES}
