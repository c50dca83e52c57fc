"""Every text family and head beside transformers: hidden states and logits of padded batches, and logits through caches.

The tolerance is max|ours - theirs| / max|theirs| <= 2e-5: f32, sums in another order. Only positions that the attention
mask keeps are compared. HEARTH_PARITY_SEED, _VARIANT and _ONLY choose other checkpoints (`make parity`).
"""
import os

import numpy
import pytest
from safetensors.numpy import load_file, save_file

import checkpoints
from outputs import TOLERANCE, check_outputs, distance, forward

FAMILIES = {
    "bert": "base mlm seqcls tokcls qa mc nsp pretrain causal",
    "roberta": "base mlm seqcls tokcls qa",
    "xlm-roberta": "mlm seqcls",
    "distilbert": "base mlm seqcls tokcls qa",
    "albert": "base mlm seqcls tokcls qa",
    "mpnet": "base mlm",
    "modernbert": "base mlm seqcls",
    "deberta": "base mlm seqcls tokcls qa",
    "deberta-v2": "base mlm seqcls",
    "deberta-v3": "base mlm seqcls tokcls qa",
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
    "mbart": "base s2s seqcls qa causal",
    "pegasus": "base s2s causal",
    "marian": "base s2s causal",
    "marian-two-vocabularies": "s2s",
    "t5": "base s2s seqcls tokcls qa encoder",
    "t5-v1_1": "s2s",
    "mt5": "s2s seqcls tokcls",
    "umt5": "s2s tokcls",
}
CASES = [f"{family}.{head}" for family, heads in FAMILIES.items() for head in heads.split()]
ONLY = os.environ.get("HEARTH_PARITY_ONLY", "").split()  # families, or family.head; none: all
CASES = [case for case in CASES if not ONLY or {case, case.split(".")[0]} & set(ONLY)]
SEED = int(os.environ.get("HEARTH_PARITY_SEED", "0"))
VARIANT = os.environ.get("HEARTH_PARITY_VARIANT", "default")


@pytest.fixture(scope="module")
def made():
    return checkpoints.make(sorted({case.split(".")[0] for case in CASES}), SEED, VARIANT)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("backend", ["native", "aten"])
def test_outputs(made, name, backend, tmp_path):
    check_outputs(made / name, made / "golden" / f"{name}.safetensors", tmp_path / "out", "--backend", backend)


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
