"""From a safetensors file of about 1 GB (a LLaMA of 220 million f32 weights) to the logits of a short prompt: the whole
process of ours, against from_pretrained and one forward pass of transformers, whose imports are not counted in seconds."""
import functools
import json
import pathlib
import subprocess
import sys
import tempfile

import _common
import _encoder

PROMPT = [1, 504, 3575, 282, 4649, 314]
PEER = """
import json, sys, time
import torch, transformers
folder, prompt = sys.argv[1], json.loads(sys.argv[2])
begin = time.perf_counter()
model = transformers.AutoModelForCausalLM.from_pretrained(folder)
with torch.inference_mode():
    logits = model(torch.tensor([prompt])).logits
print(time.perf_counter() - begin, flush=True)
"""


def measured(command):
    """(wall seconds, peak memory in MB, what it printed) of a command in a process whose children it alone is."""
    code = ("import json,resource,subprocess,sys,time;t=time.perf_counter();d=subprocess.run(sys.argv[1:],stdout=subprocess.PIPE,"
            "stderr=subprocess.DEVNULL,check=True);print(json.dumps([time.perf_counter()-t,"
            "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/1024,d.stdout.decode()]))")
    done = subprocess.run([sys.executable, "-c", code, *map(str, command)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


@functools.lru_cache(maxsize=1)
def results(turns=3):
    """{"ours", "transformers"}: (seconds, MB), the least of the turns, the file in the page cache for both."""
    folder = _encoder.made("llama-1g")
    best = {"ours": [1e9, 1e9], "transformers": [1e9, 1e9]}
    with tempfile.TemporaryDirectory() as scratch:
        request, output = pathlib.Path(scratch) / "request.json", pathlib.Path(scratch) / "out.safetensors"
        request.write_text(json.dumps({"sequences": [PROMPT]}))
        for _ in range(turns):
            ours = measured([_common.hearth, "logits", folder, request, output])
            theirs = measured([_encoder.python, "-c", PEER, folder, json.dumps(PROMPT)])
            for name, seconds, memory in (("ours", *ours[:2]), ("transformers", float(theirs[2].split()[-1]), theirs[1])):
                best[name] = [min(best[name][0], seconds), min(best[name][1], memory)]
    return best


def row(which, unit):
    best = results()
    return {"unit": unit, "ours": best["ours"][which], "peers": {"transformers": best["transformers"][which]}}
