"""Every text family and head beside transformers: hidden states and logits of padded batches, and logits through caches.

The tolerance is max|ours - theirs| / max|theirs| <= 2e-5: f32, sums in another order. Only positions that the attention
mask keeps are compared. HEARTH_PARITY_SEED, _VARIANT and _ONLY choose other checkpoints (`make parity`).
"""
import json
import os
import pathlib
import subprocess

import numpy
import pytest
from safetensors.numpy import load_file, save_file

import checkpoints

root = pathlib.Path(__file__).resolve().parents[2]
hearth = os.environ.get("HEARTH_BIN", str(root / "build" / "bin" / "hearth"))
FAMILIES = {
    "bert": "base mlm seqcls tokcls qa mc nsp pretrain causal",
    "roberta": "base mlm seqcls tokcls qa",
    "xlm-roberta": "mlm seqcls",
    "distilbert": "base mlm seqcls tokcls qa",
    "mpnet": "base mlm",
    "gpt2": "base causal seqcls tokcls",
    "llama2": "base causal seqcls",
    "llama2-legacy-tok": "causal",
    "llama3": "causal seqcls",
    "deepseek-coder": "causal",
    "llama-yarn": "causal",
    "mistral": "base causal",
    "mixtral": "causal",
    "falcon-7b": "causal",
    "falcon-40b": "causal",
    "qwen2": "base causal",
    "qwen3": "causal seqcls",
    "qwen3-moe": "causal",
    "gemma": "causal",
    "gemma2": "causal",
    "gemma3": "causal",
    "phi2": "causal",
    "phi3": "causal",
    "opt": "base causal seqcls qa",
    "opt-350m": "base causal seqcls qa",
    "galactica": "causal",
    "gpt-neox": "base causal seqcls tokcls qa",
    "gpt-neox-serial": "causal",
    "bloom": "base causal seqcls tokcls qa",
    "codegen": "causal",
    "deepseek-v2": "causal",
    "deepseek-v2-groups": "base causal seqcls",
    "deepseek-v3": "base causal seqcls tokcls",
    "deepseek-v3-plain": "causal",
    "starcoder2": "causal",
    "smollm3": "causal",
    "bart": "s2s seqcls qa causal",
}
CASES = [f"{family}.{head}" for family, heads in FAMILIES.items() for head in heads.split()]
ONLY = os.environ.get("HEARTH_PARITY_ONLY", "").split()  # families, or family.head; none: all
CASES = [case for case in CASES if not ONLY or {case, case.split(".")[0]} & set(ONLY)]
TOLERANCE = 2e-5
SEED = int(os.environ.get("HEARTH_PARITY_SEED", "0"))
VARIANT = os.environ.get("HEARTH_PARITY_VARIANT", "default")
TEXT_OUTPUTS = ("pooler_output", "seq_relationship_logits")  # one row a text, not one a token


def forward(model, golden, out, *flags):
    done = subprocess.run([hearth, "forward", *map(str, (model, golden, out)), *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return load_file(out)


def distance(ours, theirs):
    ours = ours.reshape(theirs.shape)
    return float(numpy.abs(ours - theirs).max() / max(numpy.abs(theirs).max(), 1e-30))


def kept_rows(theirs, name, golden):
    """The rows of a padded output that the mask keeps; outputs of whole texts as they are."""
    is_decoders = "out.encoder_last_hidden_state" in golden and not name.startswith("out.encoder")
    mask = golden["in.attention_mask"].astype(bool)
    mask = mask.reshape(-1, mask.shape[-1])
    rows = theirs.reshape(-1, *theirs.shape[theirs.ndim - 2:]) if theirs.ndim > 2 else theirs
    if name.endswith(TEXT_OUTPUTS):
        return theirs
    if is_decoders:  # nothing masks what a decoder is given
        return theirs.reshape(-1, theirs.shape[-1]) if theirs.ndim == 3 else theirs
    if rows.shape[:2] == mask.shape and (theirs.ndim == 3 or "start" in name or "end" in name):
        return rows[mask]
    return theirs


@pytest.fixture(scope="module")
def made():
    return checkpoints.make(sorted({case.split(".")[0] for case in CASES}), SEED, VARIANT)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("backend", ["native", "aten"])
def test_outputs(made, name, backend, tmp_path):
    golden_path = made / "golden" / f"{name}.safetensors"
    golden = load_file(golden_path)
    ours = forward(made / name, golden_path, tmp_path / "out", "--backend", backend)
    compared = 0
    for key, theirs in golden.items():
        if not key.startswith("out.") or ".attentions" in key or "past_key_values" in key:
            continue
        assert key in ours, (name, key, sorted(ours))
        expected = kept_rows(theirs, key, golden)
        assert distance(ours[key], expected) <= TOLERANCE, (name, key)
        compared += 1
    assert compared > 0


@pytest.mark.parametrize("name", [c for c in CASES if c.endswith((".causal", ".s2s"))])
def test_cached_decoding(made, name, tmp_path):
    """Token by token through caches: the same logits as all at once."""
    golden = load_file(made / "golden" / f"{name}.safetensors")
    inputs = {key: value for key, value in golden.items() if key.startswith("in.")}
    if name.startswith("phi3"):  # past 16 positions its frequencies change, and keys in a cache keep their old ones
        inputs = {key: numpy.ascontiguousarray(value[:, -16:]) for key, value in inputs.items()}
    # As generate() counts: padding on the left takes no positions.
    inputs["in.position_ids"] = numpy.maximum(inputs["in.attention_mask"].cumsum(-1) - 1, 0)
    save_file(inputs, tmp_path / "inputs")
    ours = forward(made / name, tmp_path / "inputs", tmp_path / "whole")["out.logits"]
    for split in (1, 4):
        cached = forward(made / name, tmp_path / "inputs", tmp_path / "out", "--split", str(split))["out.logits"]
        assert distance(cached, ours) <= TOLERANCE, (name, split)


def test_alibi_of_falcon(tmp_path):
    """Beside transformers' default attention: the golden data are of "eager", which adds the slopes twice in 5.23."""
    import torch
    from transformers import AutoModelForCausalLM

    made = checkpoints.make(["falcon-rw"], SEED, VARIANT)
    golden_path = made / "golden" / "falcon-rw.causal.safetensors"
    golden = load_file(golden_path)
    ids, mask = (torch.from_numpy(golden[f"in.{name}"]) for name in ("input_ids", "attention_mask"))
    model = AutoModelForCausalLM.from_pretrained(made / "falcon-rw.causal").eval()
    assert model.config._attn_implementation == "sdpa"
    with torch.no_grad():
        theirs = model(input_ids=ids, attention_mask=mask).logits.numpy()[golden["in.attention_mask"].astype(bool)]
    for backend in ("native", "aten"):
        ours = forward(made / "falcon-rw.causal", golden_path, tmp_path / "out", "--backend", backend)["out.logits"]
        assert distance(ours, theirs) <= TOLERANCE
