"""Byte-level BPE of 30,000 tokens trained on the tokenizers' text: MB of text a CPU second."""
import json
import os
import resource
import subprocess

import _common
import _tokenizers

better = "higher"
PEER = """
import sys, time, tokenizers as tk
t = tk.Tokenizer(tk.models.BPE())
t.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=False)
t.decoder = tk.decoders.ByteLevel()
t.train([sys.argv[1]], tk.trainers.BpeTrainer(vocab_size=30000, initial_alphabet=tk.pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
t.save(sys.argv[2])
"""


def cpu_s(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run():
    text, ours, theirs = (_tokenizers.out / name for name in ("train.txt", "trained-ours.json", "trained-theirs.json"))
    text.write_bytes(_tokenizers.texts().read_bytes().replace(b"\0", b"\n"))
    megabytes = os.path.getsize(text) / 1e6
    hearth = _common.root / "build" / "bin" / "hearth"
    mine = min(cpu_s([hearth, "train-tokenizer", text, "--vocab-size", 30000, "--out", ours]) for _ in range(3))
    peer = cpu_s([_tokenizers.python, "-c", PEER, text, theirs])
    models = [json.loads(path.read_text())["model"] for path in (ours, theirs)]
    if any(models[0][key] != models[1][key] for key in ("vocab", "merges")):
        raise RuntimeError("hearth and tokenizers learnt different merges")
    return {"unit": "MB/CPU s", "ours": megabytes / mine, "peers": {"tokenizers": megabytes / peer}, "limit": None}
