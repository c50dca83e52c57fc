"""A file of SmolLM2-135M on our native backend and on llama.cpp, turn by turn, so that both meet the same neighbours."""
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


@functools.lru_cache(maxsize=4)
def rates(file):
    """{"ours": {...}, "llama.cpp, N threads": {...}}: the best of each over the turns."""
    subprocess.run(["cmake", "--build", str(_common.root / "build"), "--target", "bench_model"], check=True, stdout=subprocess.DEVNULL)
    python = _common.root / ".deps" / "python" / "bin" / "python"
    peer = [str(python if python.exists() else sys.executable), str(_common.root / "bench" / "_llama_cpp.py"), file]
    runs = {"ours": [str(_common.root / "build" / "bin" / "bench_model"), file, "fast", "3"]}
    for threads in sorted({1, os.cpu_count()}):
        runs[f"llama.cpp, {threads} thread{'s' * (threads > 1)}"] = [*peer, str(threads), "1"]
    return best_of(runs)


def best_of(runs, turns=2):
    """The best rates of each program over the turns; one without its library is left out."""
    out = {name: {"prefill": 0, "decode": 0} for name in runs}
    for _ in range(turns):
        for name, command in list(runs.items()):
            got = ask(command)
            if got is None:
                del runs[name]
                continue
            for key in ("prefill", "decode"):
                out[name][key] = max(out[name][key], got[key])
    return out


@functools.lru_cache(maxsize=1)
def bf16_rates():
    """The same of SmolLM2 in bf16: {"ours", "ours in bf16", "llama.cpp, N threads", "transformers, N threads"}."""
    build, bench = _common.root / "build", _common.root / "bench"
    subprocess.run(["cmake", "--build", str(build), "--target", "bench_model", "hearth"], check=True, stdout=subprocess.DEVNULL)
    python = _common.root / ".deps" / "python" / "bin" / "python"
    python, folder = str(python if python.exists() else sys.executable), build / "bench" / "models" / "smollm2-bf16"
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([python, str(bench / "_make_bf16.py"), _common.smollm2(), _common.hearth, str(folder)], check=True, stdout=subprocess.DEVNULL)
    ours = [str(build / "bin" / "bench_model"), str(folder / "model.safetensors")]
    runs = {"ours": [*ours, "exact", "3"], "ours in bf16": [*ours, "bf16", "3"]}
    for threads in sorted({1, os.cpu_count()}):
        label = f"{threads} thread{'s' * (threads > 1)}"
        runs[f"llama.cpp, {label}"] = [python, str(bench / "_llama_cpp.py"), str(folder / "model.gguf"), str(threads), "1"]
        runs[f"transformers, {label}"] = [python, str(bench / "_transformers_peer.py"), str(folder), str(threads), "1"]
    return best_of(runs)


def row(key, limit=None, file=None):
    """`file`: the Q4_1 file unless another is named."""
    measured = rates(file or _common.smollm2())
    peers = {name: value[key] for name, value in measured.items() if name != "ours"}
    return {"unit": "tokens/s", "ours": measured["ours"][key], "peers": peers, "limit": limit}
