"""Tokens per second of one stream, SmolLM2-135M Q4_1, fast numerics. Limit: each token reads all weights from memory."""
import os

import _common
import _model

better = "higher"


def run():
    return _model.row("decode", limit=_common.read_bandwidth() / os.path.getsize(_common.smollm2()))
