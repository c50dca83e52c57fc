"""Tokens a second of an answer held to a JSON schema, beside one that is free."""
import _engine

better = "higher"


def run():
    found = _engine.ask("constrained")
    return {"unit": "tokens/s", "ours": found["constrained"], "peers": {"free": found["free"]}}
