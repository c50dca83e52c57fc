"""What `hearth forward` gives, laid beside the outputs of a golden file: `in.*` what a model was asked, `out.*` its answer."""
import json
import os
import pathlib
import subprocess

import numpy
from safetensors.numpy import load_file

root = pathlib.Path(__file__).resolve().parents[2]
hearth = os.environ.get("HEARTH_BIN", str(root / "build" / "bin" / "hearth"))
TOLERANCE = 2e-5  # max|ours - theirs| / max|theirs|: f32, sums in another order
# Attention scores without a scale: rounding to f32 alone takes transformers 1.5e-5 from its own numbers in f64 at some
# seeds. Where the sum of two such errors passes the tolerance, ours must be the smaller one.
UNSCALED = ("t5", "mt5", "umt5")
TEXT_OUTPUTS = ("pooler_output", "seq_relationship_logits", "sop_logits")  # one row a text, not one a token


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


def in_f64(path, golden):
    """What transformers gives with f64 in place of f32."""
    import torch
    import transformers

    (architecture,) = json.loads((path / "config.json").read_text())["architectures"]
    model = getattr(transformers, architecture).from_pretrained(path, dtype=torch.float64, attn_implementation="eager").eval()
    inputs = {key[3:]: torch.from_numpy(value) for key, value in golden.items() if key.startswith("in.")}
    with torch.no_grad():
        out = model(**inputs, output_hidden_states=True)
    lists = [(key, value if isinstance(value, tuple) else [value]) for key, value in out.items() if "past" not in key]
    return {f"out.{key}" if isinstance(out[key], torch.Tensor) else f"out.{key}.{i}": x.numpy()
            for key, values in lists for i, x in enumerate(values)}


def check_outputs(model, golden_path, out, *flags):
    """Every tensor that the golden file has must be there and within the tolerance."""
    golden = load_file(golden_path)
    ours = forward(model, golden_path, out, *flags)
    is_unscaled = json.loads((model / "config.json").read_text())["model_type"] in UNSCALED
    compared = 0
    for key, theirs in golden.items():
        if not key.startswith("out.") or ".attentions" in key or "past_key_values" in key:
            continue
        assert key in ours, (key, sorted(ours))
        expected = kept_rows(theirs, key, golden)
        if distance(ours[key], expected) > TOLERANCE and is_unscaled:
            truth = kept_rows(in_f64(model, golden)[key], key, golden)
            assert distance(ours[key], truth) <= min(TOLERANCE, distance(expected, truth)), key
        else:
            assert distance(ours[key], expected) <= TOLERANCE, key
        compared += 1
    assert compared > 0
