"""From the command to the first token of SmolLM2-135M Q4_1: the whole process, against llama.cpp's loading and first
evaluation alone (its interpreter and imports are not counted)."""
import json
import subprocess
import sys

import _common

better = "lower"

PEER = """
import json, sys, time
sys.path.insert(0, sys.argv[2])
import _llama_cpp
try:
    import llama_cpp
except ImportError:
    pass
begin = time.perf_counter()
model = _llama_cpp.load(sys.argv[1], 2)
model.eval([504, 3575, 282, 4649, 314], 0)
print(json.dumps(time.perf_counter() - begin), flush=True)
"""


def peer():
    done = subprocess.run([sys.executable, "-c", PEER, _common.smollm2(), str(_common.root / "bench")], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return None if done.returncode == 3 else json.loads(done.stdout.splitlines()[-1]) * 1000


def run():
    command = [_common.hearth, "run", _common.smollm2(), "The capital of France is", "--raw", "--max-new-tokens", "1"]
    ours = _common.median([_common.run_timed(command)[0] for _ in range(7)]) * 1000
    peers = [value for value in (peer() for _ in range(5)) if value]
    return {"unit": "ms", "ours": ours, "peers": {"llama.cpp": _common.median(peers)} if peers else {}}
