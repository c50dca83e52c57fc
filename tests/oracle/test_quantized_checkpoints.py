"""Checkpoints quantized by gptqmodel, autoawq, bitsandbytes and compressed-tensors: every number as the library itself
dequantizes it, bit for bit; logits and greedy ids as transformers has them with those numbers as weights, to 2e-5 (f32,
sums in another order). What does not fit is refused by name."""
import json
import os
import pathlib
import subprocess

import numpy
import pytest
import torch
from safetensors.torch import load_file, save_file

import quantizers
from outputs import TOLERANCE, distance, forward, hearth

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("HEARTH_BUILD", ROOT / "build")) / "tests" / "oracle_quantized"


def weight(outputs=96, inputs=128, seed=1):
    return torch.randn(outputs, inputs, generator=torch.Generator().manual_seed(seed)) * 0.05


def save(folder, tensors, settings):
    folder.mkdir(exist_ok=True)
    save_file({name: value.contiguous() for name, value in tensors.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "quantization_config": settings}))
    return folder


def ours(folder):
    done = subprocess.run([PROGRAM, folder, "m.weight"], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return numpy.frombuffer(done.stdout, numpy.float32)


def check(folder, tensors, numbers, settings):
    save(folder, {f"m.{name}": value for name, value in tensors.items()}, settings)
    assert ours(folder).tobytes() == numbers.numpy().tobytes()


def gptq_settings(bits=4, group=32, format="gptq", **more):
    return {"quant_method": "gptq", "bits": bits, "group_size": group, "checkpoint_format": format, **more}


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("format", ["gptq", "gptq_v2"])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("desc_act", [False, True])
def test_gptq(tmp_path, bits, format, symmetric, desc_act):
    tensors, numbers = quantizers.gptq(weight(), bits, 32, symmetric, desc_act, format)
    check(tmp_path, tensors, numbers, gptq_settings(bits, 32, format, sym=symmetric, desc_act=desc_act))


@pytest.mark.parametrize("group, dtype, has_groups", [(-1, torch.float16, True), (128, torch.float16, False), (64, torch.bfloat16, True),
                                                      (32, torch.float32, False), (-1, torch.float16, False)])
def test_gptq_groups(tmp_path, group, dtype, has_groups):
    tensors, numbers = quantizers.gptq(weight(64, 256), 4, group, False, scale_dtype=dtype, has_groups=has_groups)
    check(tmp_path, tensors, numbers, gptq_settings(4, group))


def test_gptq_bits_of_a_module(tmp_path):
    """`dynamic` gives modules bits of their own."""
    tensors, numbers = quantizers.gptq(weight(), 8)
    check(tmp_path, tensors, numbers, gptq_settings(4, dynamic={"+:m": {"bits": 8}}))


@pytest.mark.parametrize("version", ["gemm", "gemv", "gemv_fast", "llm-awq"])
@pytest.mark.parametrize("group", [32, 64, 128, -1])
def test_awq(tmp_path, version, group):
    tensors, numbers = quantizers.awq(weight(96, 256), group, version)
    check(tmp_path, tensors, numbers, {"quant_method": "awq", "bits": 4, "group_size": group, "version": version, "zero_point": True})


@pytest.mark.parametrize("kind", ["nf4", "fp4"])
@pytest.mark.parametrize("block, nested", [(64, False), (64, True), (128, True), (4096, False), (32, True)])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_bitsandbytes_of_4_bits(tmp_path, kind, block, nested, dtype):
    tensors, numbers = quantizers.bitsandbytes4(weight(96, 320).to(dtype), kind, block, nested)
    check(tmp_path, tensors, numbers, {"quant_method": "bitsandbytes", "load_in_4bit": True})


def test_bitsandbytes_in_other_storage(tmp_path):
    tensors, numbers = quantizers.bitsandbytes4(weight().to(torch.bfloat16), storage=torch.bfloat16)
    check(tmp_path, tensors, numbers, {"load_in_4bit": True})  # without quant_method, as older files are


def test_bitsandbytes_of_8_bits(tmp_path):
    tensors, numbers = quantizers.bitsandbytes8(weight())
    check(tmp_path, tensors, numbers, {"quant_method": "bitsandbytes", "load_in_8bit": True})


@pytest.mark.parametrize("format, bits, strategy, symmetric, kind", [
    ("pack-quantized", 4, "group", True, "int"), ("pack-quantized", 4, "group", False, "int"), ("pack-quantized", 4, "channel", False, "int"),
    ("pack-quantized", 8, "group", True, "int"), ("pack-quantized", 8, "channel", True, "int"), ("pack-quantized", 3, "group", False, "int"),
    ("int-quantized", 8, "channel", True, "int"), ("int-quantized", 8, "channel", False, "int"), ("naive-quantized", 8, "tensor", True, "int"),
    ("float-quantized", 8, "channel", True, "float"), ("float-quantized", 8, "tensor", True, "float"),
])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_compressed_tensors(tmp_path, format, bits, strategy, symmetric, kind, dtype):
    tensors, numbers, args = quantizers.compressed(weight(), format, bits, strategy, 32, symmetric, kind, dtype)
    groups = {"group_0": {"targets": ["Linear"], "weights": args.model_dump(mode="json", exclude_none=True)}}
    check(tmp_path, tensors, numbers, {"quant_method": "compressed-tensors", "format": format, "config_groups": groups})


# ---- whole models ----
MODELS = {
    "gptq": (lambda w: quantizers.gptq(w, 4, 32, True, True), gptq_settings(4, 32, desc_act=True)),
    "awq": (lambda w: quantizers.awq(w, 64), {"quant_method": "awq", "bits": 4, "group_size": 64, "version": "gemm"}),
    "bitsandbytes": (lambda w: quantizers.bitsandbytes4(w.to(torch.bfloat16), nested=True), {"quant_method": "bitsandbytes", "load_in_4bit": True}),
    "bitsandbytes-8": (quantizers.bitsandbytes8, {"quant_method": "bitsandbytes", "load_in_8bit": True}),
    "compressed": (lambda w: quantizers.compressed(w)[:2],
                   {"quant_method": "compressed-tensors", "format": "pack-quantized", "config_groups": {"a": {"weights": {"num_bits": 4}}}}),
}


def tiny(kind):
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(7)
    if kind == "gpt2":  # its own files are transposed; quantized ones are not
        return GPT2LMHeadModel(GPT2Config(vocab_size=256, n_positions=64, n_embd=128, n_layer=2, n_head=4, eos_token_id=None, bos_token_id=None)).eval()
    return LlamaForCausalLM(LlamaConfig(vocab_size=256, hidden_size=128, intermediate_size=192, num_hidden_layers=2, num_attention_heads=4,
                                        num_key_value_heads=2, max_position_embeddings=64, eos_token_id=None, bos_token_id=None)).eval()


def quantize(model, quantizer, settings, folder):
    """The checkpoint with every inner linear layer quantized, and the model with the numbers that they stand for."""
    tensors = {name: value.clone() for name, value in model.state_dict().items() if name != "lm_head.weight" or not model.config.tie_word_embeddings}
    for name, module in model.named_modules():
        is_conv1d = type(module).__name__ == "Conv1D"
        if name == "lm_head" or not (isinstance(module, torch.nn.Linear) or is_conv1d):
            continue
        parts, numbers = quantizer(module.weight.data.T if is_conv1d else module.weight.data)
        del tensors[f"{name}.weight"]
        tensors.update({f"{name}.{end}": value.contiguous() for end, value in parts.items()})
        module.weight.data = numbers.T.contiguous() if is_conv1d else numbers
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({**model.config.to_dict(), "architectures": [type(model).__name__], "quantization_config": settings}))
    return model


@pytest.mark.parametrize("name, kind", [*((name, "llama") for name in MODELS), ("bitsandbytes", "gpt2"), ("gptq", "gpt2")])
def test_model(tmp_path, name, kind):
    model = quantize(tiny(kind), *MODELS[name], tmp_path / "model")
    ids = torch.randint(1, 256, (2, 9), generator=torch.Generator().manual_seed(2))
    save_file({"in.input_ids": ids, "in.attention_mask": torch.ones_like(ids)}, tmp_path / "in")
    with torch.no_grad():
        logits = model(ids).logits.numpy().reshape(-1, 256)
        greedy = model.generate(ids, do_sample=False, max_new_tokens=12, pad_token_id=0).tolist()
    for backend in ("native", "aten"):
        got = forward(tmp_path / "model", tmp_path / "in", tmp_path / "out", "--backend", backend, "--exact")["out.logits"]
        assert distance(got, logits) <= TOLERANCE, backend
    got = forward(tmp_path / "model", tmp_path / "in", tmp_path / "out", "--exact", "--generate", json.dumps({"max_new_tokens": 12, "do_sample": False}))
    assert got["out.sequences"].astype(int).tolist() == greedy


@pytest.mark.parametrize("quantizer, settings", [
    (lambda w: quantizers.gptq(w, 4, 64, False), gptq_settings(4, 64)), (lambda w: quantizers.gptq(w, 8), gptq_settings(8, 32)),
    (lambda w: quantizers.awq(w, 32, "gemv"), {"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemv"}),
    (lambda w: quantizers.awq(w, 64, "gemv_fast"), {"quant_method": "awq", "bits": 4, "group_size": 64, "version": "gemv_fast"}),
    (lambda w: quantizers.compressed(w, "int-quantized", 8, "channel", dtype=torch.float16)[:2],
     {"quant_method": "compressed-tensors", "format": "int-quantized", "config_groups": {"a": {"weights": {"num_bits": 8}}}}),
])
def test_fast(tmp_path, quantizer, settings):
    """Without --exact, codes stay codes and activations have 8 bits: near the exact logits, but not they."""
    model = quantize(tiny("llama"), quantizer, settings, tmp_path / "model")
    ids = torch.randint(1, 256, (2, 9), generator=torch.Generator().manual_seed(2))
    save_file({"in.input_ids": ids, "in.attention_mask": torch.ones_like(ids)}, tmp_path / "in")
    with torch.no_grad():
        logits = model(ids).logits.numpy().reshape(-1, 256)
    got = forward(tmp_path / "model", tmp_path / "in", tmp_path / "out")["out.logits"]
    # Two layers of roundings, each 0.3 to 0.5 % of what it rounds (tensor/linear_kernels.h).
    assert TOLERANCE < distance(got, logits) < 0.02


def test_dequantized_by_convert(tmp_path):
    """`--dtype` writes the numbers, which transformers reads as any others; without it the parts stay."""
    from transformers import LlamaForCausalLM

    model = quantize(tiny("llama"), *MODELS["gptq"], tmp_path / "model")
    subprocess.run([hearth, "convert", tmp_path / "model", tmp_path / "out", "--dtype", "f32"], check=True, capture_output=True)
    read = LlamaForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32).state_dict()
    assert all(torch.equal(read[name], value) for name, value in model.state_dict().items())
    subprocess.run([hearth, "convert", tmp_path / "model", tmp_path / "copy"], check=True, capture_output=True)
    before, after = (load_file(tmp_path / name / "model.safetensors") for name in ("model", "copy"))
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


# ---- what does not fit ----
def refusal(folder):
    done = subprocess.run([PROGRAM, folder, "m.weight"], capture_output=True)
    assert done.returncode == 1, done
    return done.stderr.decode()


def change_g_idx(t): t["m.g_idx"][5] = 99
def negative_g_idx(t): t["m.g_idx"][5] = -1
def no_scales(t): del t["m.scales"]
def short_zeros(t): t["m.qzeros"] = t["m.qzeros"][:, :-1]
def wide_scales(t): t["m.scales"] = t["m.scales"].repeat(1, 2)
def short_g_idx(t): t["m.g_idx"] = t["m.g_idx"][:100]
def other_words(t): t["m.qweight"] = t["m.qweight"].to(torch.int64)


@pytest.mark.parametrize("change, words", [
    (change_g_idx, ["g_idx", "input 5", "group 99", "there are 4"]), (negative_g_idx, ["group -1"]), (no_scales, ["m.scales is missing"]),
    (short_zeros, ["m.qzeros", "[4, 11]"]), (wide_scales, ["m.scales", "[4, 192]"]), (short_g_idx, ["m.qweight", "100 inputs"]), (other_words, ["m.qweight", "I64"]),
])
def test_gptq_that_lies(tmp_path, change, words):
    tensors = {f"m.{name}": value for name, value in quantizers.gptq(weight())[0].items()}
    change(tensors)
    save(tmp_path / "m", tensors, gptq_settings())
    message = refusal(tmp_path / "m")
    assert all(word in message for word in words), message


@pytest.mark.parametrize("change, words", [
    (lambda s: s.update(blocksize=0), ["blocksize is 0"]), (lambda s: s.update(shape=[1 << 40, 1 << 40]), ["shape"]),
    (lambda s: s.update(shape=[96, 256]), ["m.weight", "[96, 256]"]), (lambda s: s.update(shape=[-96, -128]), ["shape"]),
    (lambda s: s.update(dtype="float8"), ["float8"]), (lambda s: s.update(quant_type="int4"), ["int4"]), (lambda s: s.clear(), ["quant_state"]),
    (lambda s: s.update(blocksize=32), ["m.weight.absmax", "384"]), (lambda s: s.update(nested_blocksize=1 << 60), ["nested_blocksize"]),
])
def test_quant_state_that_lies(tmp_path, change, words):
    tensors = {f"m.{name}": value for name, value in quantizers.bitsandbytes4(weight().to(torch.float16), nested=True)[0].items()}
    name = "m.weight.quant_state.bitsandbytes__nf4"
    state = json.loads(tensors[name].numpy().tobytes())
    change(state)
    tensors[name] = torch.frombuffer(bytearray(json.dumps(state).encode()), dtype=torch.uint8)
    save(tmp_path / "m", tensors, {"quant_method": "bitsandbytes"})
    message = refusal(tmp_path / "m")
    assert all(word in message for word in words), message


@pytest.mark.parametrize("settings, words", [
    ({"quant_method": "aqlm"}, ["'aqlm'", "awq, bitsandbytes, compressed-tensors, fp8, gptq", "GGUF"]),
    ({"quant_method": "gptq", "checkpoint_format": "marlin"}, ["'marlin'", "gptq_v2"]),
    ({"quant_method": "gptq", "bits": 5}, ["5 bits"]), ({"quant_method": "gptq", "bits": 0}, ["bits"]), ({"quant_method": "gptq", "group_size": 0}, ["m.scales"]),
    ({"quant_method": "awq", "bits": 8}, ["8 bits"]), ({"quant_method": "awq", "version": "marlin"}, ["'marlin'", "gemv_fast"]),
    ({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}, ["nvfp4-pack-quantized", "pack-quantized"]),
    (None, ["m.qweight", "quantization_config"]),
])
def test_refused(tmp_path, settings, words):
    tensors = quantizers.gptq(weight(), has_groups=False)[0]
    message = refusal(save(tmp_path / "m", {f"m.{name}": value for name, value in tensors.items()}, settings))
    assert all(word in message for word in words), message


def test_a_command_says_so(tmp_path):
    """The message reaches who runs the model, with the path."""
    quantize(tiny("llama"), MODELS["gptq"][0], {"quant_method": "quip"}, tmp_path / "model")
    ids = torch.ones(1, 3, dtype=torch.int64)
    save_file({"in.input_ids": ids, "in.attention_mask": ids.clone()}, tmp_path / "in")
    done = subprocess.run([hearth, "forward", tmp_path / "model", tmp_path / "in", tmp_path / "out"], capture_output=True, text=True)
    assert done.returncode != 0 and "quip" in done.stderr and str(tmp_path) in done.stderr
