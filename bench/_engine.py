"""bench_engine's measures of SmolLM2-135M Q4_1, fast numerics."""
import json
import os
import subprocess
import sys

import _common

python = str(_common.root / ".deps" / "python" / "bin" / "python")


def ask(*what):
    subprocess.run(["cmake", "--build", str(_common.root / "build"), "--target", "bench_engine"], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run([str(_common.root / "build" / "bin" / "bench_engine"), _common.smollm2(), *map(str, what)],
                          stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def llama_cpp(count):
    """Tokens a second of llama.cpp writing `count` texts at once, the better of one thread and all; None without it."""
    best = None
    for threads in sorted({1, os.cpu_count()}):
        done = subprocess.run([python, str(_common.root / "bench" / "_llama_cpp_streams.py"), _common.smollm2(), str(threads), str(count)],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode == 3:
            print(f"bench: no peer: {done.stderr.strip()}", file=sys.stderr)
            return None
        if done.returncode != 0:
            raise RuntimeError(f"llama.cpp with {count} streams: exit status {done.returncode}\n{done.stderr[-2000:]}")
        best = max(best or 0, json.loads(done.stdout.splitlines()[-1])["rate"])
    return best


def streams(count):
    ours, peer = ask("streams", count)["rate"], llama_cpp(count)
    return {"unit": "tokens/s", "ours": max(ours, ask("streams", count)["rate"]), "peers": {"llama.cpp": peer} if peer else {}}
