"""CPU milliseconds until SmolLM2's tokenizer.json (3.5 MB, 49,152 entries) is ready."""
import _tokenizers

better = "lower"


def run():
    measured = _tokenizers.measure("bpe", ("fastokens", "gigatoken", "tokie", "tokenizers"))
    ms = {name: got["load_s"] * 1000 for name, got in measured.items()}
    return {"unit": "CPU ms", "ours": ms.pop("ours"), "peers": ms, "limit": None}
