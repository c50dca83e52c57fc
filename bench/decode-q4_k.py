"""Tokens per second of one stream, SmolLM2-135M as llama.cpp's Q4_K_M (Q5_0 where 576 columns fit no block of 256; Q4_K,
Q6_K and Q8_0), fast numerics. Limit: each token reads all weights from memory."""
import os

import _common
import _model

better = "higher"


def run():
    file = _common.smollm2_as("Q4_K_M")
    return _model.row("decode", limit=_common.read_bandwidth() / os.path.getsize(file), file=file)
