"""Tokens a second of one stream while two other programs compute without end, beside llama.cpp on one thread (on two its
threads wait for one another)."""
import json
import subprocess
import sys

import _common
import _engine

better = "higher"
LOOP = "while True: pass"


def run():
    _engine.ask("streams", 1)  # builds it
    loops = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(2)]
    try:
        ours, peer = 0.0, None
        for _ in range(2):
            ours = max(ours, _engine.ask("streams", 1)["rate"])
            done = subprocess.run([_engine.python, str(_common.root / "bench" / "_llama_cpp.py"), _common.smollm2(), "1", "1"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            if done.returncode == 0:
                peer = max(peer or 0, json.loads(done.stdout.splitlines()[-1])["decode"])
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    return {"unit": "tokens/s", "ours": ours, "peers": {"llama.cpp, 1 thread": peer} if peer else {}}
