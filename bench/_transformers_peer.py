"""transformers on one model folder in bf16: prompt and decode rates, as bench/model.cc measures ours, less the choice of the
next token. Usage: _transformers_peer.py FOLDER THREADS ROUNDS; prints one JSON object."""
import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM, DynamicCache

PROMPT, TOKENS = 512, 32
LIMIT_S = 5  # of one decoding: with busy neighbours two threads wait for one another a hundred times longer


def main(folder, threads, rounds):
    torch.set_num_threads(threads)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).eval()
    prompt = torch.tensor([[10 + i * 37 % 40000 for i in range(PROMPT)]])
    prefill = decode = 0.0
    with torch.inference_mode():
        for _ in range(rounds + 1):  # the first meets cold caches
            begin = time.perf_counter()
            model(prompt, logits_to_keep=1)
            prefill = max(prefill, PROMPT / (time.perf_counter() - begin))
        for _ in range(rounds):
            cache = DynamicCache()
            model(prompt[:, :16], past_key_values=cache, logits_to_keep=1)
            begin = time.perf_counter()
            for i in range(TOKENS):
                model(prompt[:, i : i + 1], past_key_values=cache)
                seconds = time.perf_counter() - begin
                if seconds > LIMIT_S:
                    break
            decode = max(decode, (i + 1) / seconds)
    print(json.dumps({"prefill": prefill, "decode": decode}))


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
