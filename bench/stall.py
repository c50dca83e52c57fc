"""The longest gap between the tokens of four answers, p99, while a prompt of 4,000 tokens is read, beside their usual gap."""
import _engine

better = "lower"


def run():
    found = _engine.ask("stall")
    return {"unit": "ms", "ours": found["p99_s"] * 1000, "peers": {"the usual gap": found["steady_s"] * 1000}}
