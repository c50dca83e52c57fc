"""Runs make_checkpoints.py once for each set of arguments and keeps what it makes in build/oracle."""
import hashlib
import importlib.metadata
import os
import pathlib
import shutil
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
build = pathlib.Path(os.environ.get("HEARTH_BUILD", root / "build"))
script = pathlib.Path(__file__).with_name("make_checkpoints.py")


def make(only, seed=0, variant="default", pipelines=False):
    """The folder with the checkpoints NAME/ and their golden/NAME.{json,safetensors}; with what pipelines answer, if asked."""
    versions = [importlib.metadata.version(p) for p in ("torch", "transformers", "tokenizers", "safetensors")]
    key = hashlib.sha256("/".join([script.read_text(), *versions, *only, *["pipelines"] * pipelines]).encode()).hexdigest()[:12]
    out = build / "oracle" / f"checkpoints-{variant}-{seed}-{key}"
    if not out.exists():
        part = out.with_name(out.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        words = ["--out", part, "--only", *only, "--seed", seed, "--variant", variant] + ["--no-pipelines"] * (not pipelines)
        made = subprocess.run([sys.executable, script, *map(str, words)], capture_output=True, text=True)
        assert made.returncode == 0, made.stdout + made.stderr
        part.rename(out)
    return out
