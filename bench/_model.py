"""SmolLM2-135M Q4_1 on our native backend and on llama.cpp, turn by turn, so that both meet the same neighbours."""
import functools
import json
import os
import subprocess
import sys

import _common


def ask(command):
    """What the command's last line says; None when it says by status 3 that it cannot run here."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode == 3:
        print(f"bench: no peer: {done.stderr.strip()}", file=sys.stderr)
        return None
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


@functools.lru_cache(maxsize=1)
def rates():
    """{"ours": {...}, "llama.cpp, N threads": {...}}: the best of each over the turns."""
    subprocess.run(["cmake", "--build", str(_common.root / "build"), "--target", "bench_model"], check=True, stdout=subprocess.DEVNULL)
    python = _common.root / ".deps" / "python" / "bin" / "python"
    peer = [str(python if python.exists() else sys.executable), str(_common.root / "bench" / "_llama_cpp.py"), _common.smollm2()]
    runs = {"ours": [str(_common.root / "build" / "bin" / "bench_model"), _common.smollm2(), "fast", "3"]}
    for threads in sorted({1, os.cpu_count()}):
        runs[f"llama.cpp, {threads} thread{'s' * (threads > 1)}"] = [*peer, str(threads), "1"]
    out = {name: {"prefill": 0, "decode": 0} for name in runs}
    for _ in range(2):
        for name, command in list(runs.items()):
            got = ask(command)
            if got is None:
                del runs[name]
                continue
            for key in ("prefill", "decode"):
                out[name][key] = max(out[name][key], got[key])
    return out


def row(key, limit=None):
    measured = rates()
    peers = {name: value[key] for name, value in measured.items() if name != "ours"}
    return {"unit": "tokens/s", "ours": measured["ours"][key], "peers": peers, "limit": limit}
