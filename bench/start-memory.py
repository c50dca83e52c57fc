"""Peak memory from the command to the first token of SmolLM2-135M Q4_1, the whole process. The goal is 130 MiB."""
import subprocess
import sys

import _common

better = "lower"
goal = 130 * 1.048576


def run():
    command = [_common.hearth, "run", _common.smollm2(), "The capital of France is", "--raw", "--max-new-tokens", "1"]
    code = ("import resource,subprocess,sys;subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,stderr=subprocess.DEVNULL,check=True);"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss*1.024/1000)")
    done = subprocess.run([sys.executable, "-c", code, *command], stdout=subprocess.PIPE, text=True, check=True)
    return {"unit": "MB", "ours": float(done.stdout), "peers": {}}
