"""generate() of encoder-decoders on one thread: ours (bench_seq2seq) and the peers (_seq2seq_peer.py), turn by turn."""
import subprocess

import _common
import _encoder


def row(kind, texts, length, fresh, beams, turns=3):
    """{"ours", "peers"} in new tokens per CPU second: the best of the turns. Every text gets exactly `fresh` tokens."""
    subprocess.run(["cmake", "--build", str(_common.root / "build"), "--target", "bench_seq2seq"], check=True, stdout=subprocess.DEVNULL)
    words = [str(word) for word in (_encoder.made(kind), texts, length, fresh, beams, 2)]
    runs = {"ours": [str(_common.root / "build" / "bin" / "bench_seq2seq"), *words]}
    for peer in ("transformers", "CTranslate2"):
        runs[peer] = [_encoder.python, str(_common.root / "bench" / "_seq2seq_peer.py"), peer, *words]
    best = dict.fromkeys(runs, 0)
    for _ in range(turns):
        for name, command in runs.items():
            best[name] = max(best[name], _encoder.ask(command, ""))
    return {"unit": "tokens/CPU s", "ours": best.pop("ours"), "peers": best}
