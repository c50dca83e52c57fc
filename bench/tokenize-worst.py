"""One word of 60 kB: nanoseconds a byte, first pass."""
import _tokenizers

better = "lower"


def run():
    measured = _tokenizers.measure("bpe", ("fastokens", "gigatoken", "tokie", "tokenizers"), documents=_tokenizers.long_word())
    ns = {name: 1000 / got["cold"] for name, got in measured.items()}
    return {"unit": "ns/byte", "ours": ns.pop("ours"), "peers": ns, "limit": None}
