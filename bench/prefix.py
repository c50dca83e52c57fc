"""Seconds to the first token of a prompt of 4,200 tokens whose first 4,000 were read before, beside the bare pass over the
200 that follow them."""
import _engine

better = "lower"


def run():
    found = _engine.ask("prefix")
    return {"unit": "s", "ours": found["follow_s"], "peers": {"the new part alone": found["alone_s"]}}
