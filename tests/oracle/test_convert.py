"""PyTorch's weight files beside torch.save and torch.load, `hearth convert`, and fp8 repositories.

Bytes compare exactly: what torch wrote is what is read, what is written is what torch and transformers read.
"""
import collections
import json
import math
import os
import pathlib
import pickle
import shutil
import subprocess
import zipfile

import numpy
import pytest
import torch
from safetensors.numpy import load_file as load_numpy
from safetensors.torch import load_file, save_file

import checkpoints

root = pathlib.Path(__file__).resolve().parents[2]
hearth = os.environ.get("HEARTH_BIN", str(root / "build" / "bin" / "hearth"))
MODEL = "opt-350m.causal"
GGUF_READ = {"gemma": "gemma", "gemma2": "gemma2", "gemma3": "gemma3", "phi3": "phi3", "starcoder2": "starcoder2", "qwen3-moe": "qwen3moe"}
WAYS = {"zip": {}, "stream": {"_use_new_zipfile_serialization": False}, "protocol4": {"pickle_protocol": 4}}


def run(*words):
    return subprocess.run([hearth, *map(str, words)], capture_output=True, text=True)


def convert(*words):
    done = run("convert", *words)
    assert done.returncode == 0, done.stderr


def refusal(*words):
    done = run("convert", *words)
    assert done.returncode != 0
    return done.stderr


@pytest.fixture(scope="module")
def made():
    return checkpoints.make(sorted([MODEL.split(".")[0], "deepseek-v3", "bert", "llama2", "llama3", "deepseek-coder", "llama-yarn", "qwen2", "qwen3", "t5", "t5-v1_1", "mt5", "umt5", *{**GGUF_READ, **GGUF_WRITTEN}]))


@pytest.fixture(scope="module")
def model(made):
    return made / MODEL


def outputs(folder, made, name, out):
    done = run("forward", folder, made / "golden" / f"{name}.safetensors", out)
    assert done.returncode == 0, done.stderr
    return load_numpy(out)["out.logits"]


def without_weights(model, folder):
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    return folder


def everything():
    """One of each kind: dtypes, scalars, empty ones, views, tied and strided tensors, parameters, what is no tensor."""
    torch.manual_seed(0)
    base = torch.randn(6, 10)
    plain = {str(t): torch.randn(3, 4).to(t) for t in (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2)}
    whole = {str(t): torch.randint(0, 100, (2, 3)).to(t) for t in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.bool)}
    return collections.OrderedDict(
        plain | whole, scalar=torch.tensor(3.5), empty=torch.zeros(0, 4), rows=base[2:4], columns=base[:, 3:5], turned=base.t(), tied=base, again=base,
        parameter=torch.nn.Parameter(torch.ones(2)), **{"name with é": torch.arange(3.0)}, epoch=7, lr=0.5, note="text", nothing=None)


@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_tensor(way, tmp_path):
    state = everything()
    if way == "stream":  # torch itself cannot write these so
        state = {name: value for name, value in state.items() if name not in ("torch.uint16", "torch.float8_e4m3fn", "torch.float8_e5m2")}
    torch.save(state, tmp_path / "all.bin", **WAYS[way])
    convert(tmp_path / "all.bin", tmp_path / "all.safetensors")
    ours, theirs = load_file(tmp_path / "all.safetensors"), torch.load(tmp_path / "all.bin", weights_only=way != "protocol4")
    theirs = {name: value.detach().contiguous() for name, value in theirs.items() if isinstance(value, torch.Tensor)}
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert ours[name].dtype == value.dtype and ours[name].shape == value.shape, name
        assert ours[name].view(torch.uint8).tolist() == value.view(torch.uint8).tolist() if value.dim() else ours[name] == value, name


def test_torch_loads_what_is_written(tmp_path):
    state = {name: value.detach().clone().contiguous() for name, value in everything().items() if isinstance(value, torch.Tensor)}
    save_file(state, tmp_path / "all.safetensors")
    convert(tmp_path / "all.safetensors", tmp_path / "all.bin")
    assert zipfile.ZipFile(tmp_path / "all.bin").testzip() is None  # every checksum
    for mmap in (False, True):
        theirs = torch.load(tmp_path / "all.bin", weights_only=True, mmap=mmap)
        assert theirs.keys() == state.keys()
        for name, value in state.items():
            assert theirs[name].dtype == value.dtype and theirs[name].shape == value.shape, name
            assert theirs[name].tolist() == value.tolist() if value.dtype.itemsize > 1 else theirs[name].view(torch.uint8).tolist() == value.view(torch.uint8).tolist(), name


@pytest.mark.parametrize("way", WAYS)
def test_model_of_one_file(made, model, way, tmp_path):
    folder = without_weights(model, tmp_path / "model")
    torch.save(load_file(model / "model.safetensors"), folder / "pytorch_model.bin", **WAYS[way])
    ours = outputs(folder, made, MODEL, tmp_path / "out")
    assert numpy.array_equal(ours, outputs(model, made, MODEL, tmp_path / "expected"))


def test_model_in_shards(made, model, tmp_path):
    folder = tmp_path / "bin"
    convert(model, folder, "--format", "bin", "--max-shard-bytes", 20_000)
    assert len(list(folder.glob("pytorch_model-*-of-*.bin"))) > 2
    from transformers import AutoModelForCausalLM, AutoTokenizer

    theirs, expected = (AutoModelForCausalLM.from_pretrained(f).state_dict() for f in (folder, model))
    assert theirs.keys() == expected.keys() and all(torch.equal(theirs[n], expected[n]) for n in expected)
    assert AutoTokenizer.from_pretrained(folder)("the cat").input_ids == AutoTokenizer.from_pretrained(model)("the cat").input_ids
    assert numpy.array_equal(outputs(folder, made, MODEL, tmp_path / "a"), outputs(model, made, MODEL, tmp_path / "b"))
    convert(folder, tmp_path / "back")
    back, original = load_file(tmp_path / "back" / "model.safetensors"), load_file(model / "model.safetensors")
    assert back.keys() == original.keys() and all(torch.equal(back[n], original[n]) for n in original)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_another_type(model, dtype, tmp_path):
    words = torch.tensor([0.0, -0.0, 1.0, 65504, 65519.9, 65520, 1e30, -1e30, 5.9e-8, 2.9e-8, 2.98023223876953125e-8, 6.1e-5, 1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-8, 1 + 3 * 2**-8, float("inf"), float("-inf")])
    random = torch.randint(-(2**31), 2**31 - 1, (5000,), dtype=torch.int32).view(torch.float32)
    numbers = torch.cat([words, random[~random.isnan()]])
    save_file({"x": numbers, "ids": torch.arange(3)}, tmp_path / "x.safetensors")
    convert(tmp_path / "x.safetensors", tmp_path / "y.bin", "--dtype", {torch.float16: "f16", torch.bfloat16: "bf16"}[dtype])
    theirs = torch.load(tmp_path / "y.bin", weights_only=True)
    assert theirs["ids"].dtype == torch.int64
    assert torch.equal(theirs["x"].view(torch.int16), numbers.to(dtype).view(torch.int16))


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_run(way, tmp_path):
    torch.save({"w": torch.ones(2), "x": Evil(tmp_path / "was_run")}, tmp_path / "evil.bin", **WAYS[way])
    assert "posix.system" in refusal(tmp_path / "evil.bin", tmp_path / "out.safetensors")
    assert not (tmp_path / "was_run").exists() and not (tmp_path / "out.safetensors").exists()
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.bin", **WAYS[way])
    assert "torch.nn.modules.linear.Linear" in refusal(tmp_path / "module.bin", tmp_path / "out.safetensors")


def test_files_that_lie(tmp_path):
    out = tmp_path / "out.safetensors"
    torch.save({"w": torch.ones(100).expand(1000, 100)}, tmp_path / "repeats.bin")
    assert "repeats its numbers" in refusal(tmp_path / "repeats.bin", out)
    torch.save({"model": {"w": torch.ones(2)}}, tmp_path / "nested.bin")
    assert "holds no tensors" in refusal(tmp_path / "nested.bin", out)
    torch.save({"w": torch.ones(1000)}, tmp_path / "whole.bin")
    torch.save({"w": torch.ones(1000)}, tmp_path / "stream.bin", _use_new_zipfile_serialization=False)
    for name in ("whole.bin", "stream.bin"):
        content = (tmp_path / name).read_bytes()
        for size in (40, len(content) // 2, len(content) - 30):
            (tmp_path / "cut.bin").write_bytes(content[:size])
            assert refusal(tmp_path / "cut.bin", out)
    with zipfile.ZipFile(tmp_path / "packed.bin", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("m/data.pkl", pickle.dumps({}, 2))
    assert "compressed" in refusal(tmp_path / "packed.bin", out)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    assert "no empty folder" in refusal(tmp_path / "whole.bin", tmp_path / "full")


def test_fp8(made, tmp_path):
    """Block factors as DeepSeek-V3 repositories have them, beside transformers on the same values in f32."""
    name, block = "deepseek-v3.causal", 16
    stored, values = {}, {}
    for key, weight in load_file(made / name / "model.safetensors").items():
        if "proj.weight" not in key:
            stored[key] = values[key] = weight
            continue
        rows, cols = (-(-size // block) for size in weight.shape)
        padded = torch.zeros(rows * block, cols * block)
        padded[: weight.shape[0], : weight.shape[1]] = weight
        scale = padded.view(rows, block, cols, block).abs().amax((1, 3)) / 448
        spread = scale.repeat_interleave(block, 0).repeat_interleave(block, 1)[: weight.shape[0], : weight.shape[1]]
        stored[key] = (weight / spread).to(torch.float8_e4m3fn)
        stored[key + "_scale_inv"] = scale
        values[key] = stored[key].float() * spread
    for folder, tensors in (("fp8", stored), ("f32", values)):
        without_weights(made / name, tmp_path / folder)
        save_file(tensors, tmp_path / folder / "model.safetensors", {"format": "pt"})
    config = json.loads((tmp_path / "fp8" / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [block, block]}
    (tmp_path / "fp8" / "config.json").write_text(json.dumps(config))
    from transformers import AutoModelForCausalLM

    golden = load_file(made / "golden" / f"{name}.safetensors")
    with torch.no_grad():
        theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "f32", attn_implementation="eager")(
            input_ids=golden["in.input_ids"], attention_mask=golden["in.attention_mask"]).logits
    theirs = theirs[golden["in.attention_mask"].bool()].numpy()
    ours = outputs(tmp_path / "fp8", made, name, tmp_path / "out")
    assert numpy.abs(ours.reshape(theirs.shape) - theirs).max() <= 2e-5 * numpy.abs(theirs).max()
    config["quantization_config"]["weight_block_size"] = [8, 8]
    (tmp_path / "fp8" / "config.json").write_text(json.dumps(config))
    done = run("forward", tmp_path / "fp8", made / "golden" / f"{name}.safetensors", tmp_path / "out")
    assert done.returncode != 0 and "weight_scale_inv" in done.stderr


def flax_tree(state):
    """As transformers 4's Flax models name them: dense kernels turned, norms' scales, embeddings."""
    tree = {}
    for name, weight in state.items():
        *path, leaf = name.split(".")
        value = weight.numpy()
        if leaf == "weight":
            leaf = "embedding" if "embeddings" in path[-1] else "scale" if value.ndim == 1 else "kernel"
            value = value.T if leaf == "kernel" else value
        at = tree
        for step in path:
            at = at.setdefault(step, {})
        at[leaf] = value
    return tree


def flax_bytes(tree, chunk=None):
    """flax.serialization.msgpack_serialize, with the real msgpack."""
    from pip._vendor import msgpack

    def pack(value):
        array = lambda a: msgpack.ExtType(1, msgpack.packb((a.shape, a.dtype.name, a.tobytes()), use_bin_type=True))
        if isinstance(value, dict):
            return {key: pack(item) for key, item in value.items()}
        if chunk is None or value.size <= chunk:
            return array(value)
        flat = value.ravel()
        return {"__msgpack_chunked_array__": True, "shape": {str(i): n for i, n in enumerate(value.shape)},
                "chunks": {str(i): array(flat[at:at + chunk]) for i, at in enumerate(range(0, flat.size, chunk))}}

    return msgpack.packb(pack(tree), use_bin_type=True)


@pytest.mark.parametrize("chunk", [None, 100])
def test_flax(made, chunk, tmp_path):
    name = "bert.mlm"
    state = load_file(made / name / "model.safetensors")
    folder = without_weights(made / name, tmp_path / "flax")
    (folder / "flax_model.msgpack").write_bytes(flax_bytes(flax_tree(state), chunk))
    convert(folder, tmp_path / "out")
    ours = load_file(tmp_path / "out" / "model.safetensors")
    assert ours.keys() == state.keys() and all(torch.equal(ours[n], state[n]) for n in state)
    assert numpy.array_equal(outputs(tmp_path / "out", made, name, tmp_path / "a"), outputs(made / name, made, name, tmp_path / "b"))
    content = (folder / "flax_model.msgpack").read_bytes()
    for size in (1, 100, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.msgpack").write_bytes(content[:size])
        assert refusal(tmp_path / "cut.msgpack", tmp_path / "cut.safetensors")


TEXTS = ["Paris is the capital of France.", " two  spaces\n\nand don't 12345", "今日は naïve 😀"]


@pytest.mark.parametrize("name", ["llama2.causal", "llama3.causal", "deepseek-coder.causal"])
def test_gguf(made, name, tmp_path):
    """Read by the gguf package, by transformers and by Hearth; and back again without a changed bit."""
    import gguf
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    convert(made / name, tmp_path / "x.gguf")
    reader = gguf.GGUFReader(tmp_path / "x.gguf")
    config = json.loads((made / name / "config.json").read_text())
    fields = {key: field.contents() for key, field in reader.fields.items()}
    assert fields["general.architecture"] == "llama" and fields["llama.block_count"] == config["num_hidden_layers"]
    assert len(fields["tokenizer.ggml.tokens"]) == config["vocab_size"]
    ours, folder = outputs(tmp_path / "x.gguf", made, name, tmp_path / "a"), outputs(made / name, made, name, tmp_path / "b")
    assert numpy.abs(ours - folder).max() <= 2e-5 * numpy.abs(folder).max()
    model = AutoModelForCausalLM.from_pretrained(made / name)
    theirs = load_gguf_checkpoint(str(tmp_path / "x.gguf"), return_tensors=True, model_to_load=model)
    assert {key: config[key] for key in theirs["config"] if key in ("hidden_size", "num_key_value_heads", "num_hidden_layers")}.items() <= theirs["config"].items()
    tied = {"lm_head.weight"} if config["tie_word_embeddings"] else set()
    assert theirs["tensors"].keys() - {"rope_freqs.weight"} == model.state_dict().keys() - tied
    assert all(torch.equal(value.float(), model.state_dict()[n]) for n, value in theirs["tensors"].items() if n != "rope_freqs.weight")
    if fields["tokenizer.ggml.model"] == "gpt2":
        read, original = AutoTokenizer.from_pretrained(tmp_path, gguf_file="x.gguf"), AutoTokenizer.from_pretrained(made / name)
        assert [read(t, add_special_tokens=False).input_ids for t in TEXTS] == [original(t, add_special_tokens=False).input_ids for t in TEXTS]
        for text in TEXTS:
            mine = [run("tokenize", path, text) for path in (tmp_path / "x.gguf", made / name)]
            assert mine[0].returncode == 0 and mine[0].stdout == mine[1].stdout
    convert(tmp_path / "x.gguf", tmp_path / "back")
    back, original = load_file(tmp_path / "back" / "model.safetensors"), load_file(made / name / "model.safetensors")
    assert back.keys() == original.keys() and all(torch.equal(back[n], original[n]) for n in original)


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_gguf_of_families_that_keep_halves(made, family, tmp_path):
    """Names as the gguf package maps them, numbers as transformers reads them; the same logits; and back again."""
    import gguf
    from transformers import AutoModelForCausalLM
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    folder = tmp_path / "model"
    shutil.copytree(made / f"{family}.causal", folder)
    config = json.loads((folder / "config.json").read_text())
    if config["use_sliding_window"]:
        assert "sliding window" in refusal(folder, tmp_path / "x.gguf")
        config |= {"use_sliding_window": False, "layer_types": ["full_attention"] * config["num_hidden_layers"]}
        (folder / "config.json").write_text(json.dumps(config))
    convert(folder, tmp_path / "x.gguf")
    reader = gguf.GGUFReader(tmp_path / "x.gguf")
    assert reader.fields["general.architecture"].contents() == family
    names = gguf.get_tensor_name_map(getattr(gguf.MODEL_ARCH, family.upper()), config["num_hidden_layers"])
    original = load_file(folder / "model.safetensors")
    assert {tensor.name for tensor in reader.tensors} == {names.get_name(name, (".weight", ".bias")) for name in original}
    model = AutoModelForCausalLM.from_pretrained(folder)
    theirs = load_gguf_checkpoint(str(tmp_path / "x.gguf"), return_tensors=True, model_to_load=model)["tensors"]
    assert all(torch.equal(value.float(), model.state_dict()[name]) for name, value in theirs.items())
    name = f"{family}.causal"
    assert numpy.array_equal(outputs(tmp_path / "x.gguf", made, name, tmp_path / "a"), outputs(folder, made, name, tmp_path / "b"))
    convert(tmp_path / "x.gguf", tmp_path / "back")
    back = load_file(tmp_path / "back" / "model.safetensors")
    assert back.keys() == original.keys() and all(torch.equal(back[n], original[n]) for n in original)


@pytest.mark.parametrize("family", GGUF_READ)
def test_gguf_that_others_wrote(made, family, tmp_path):
    """A file as llama.cpp's convert_hf_to_gguf.py writes it, by the gguf package; the checkpoint's logits come from it."""
    import gguf
    from transformers import AutoConfig, AutoModelForCausalLM

    name = f"{family}.causal"
    folder = tmp_path / "model"
    shutil.copytree(made / name, folder)
    config = AutoConfig.from_pretrained(folder)
    if family in ("gemma2", "gemma3"):  # these are what llama.cpp takes for granted
        config.query_pre_attn_scalar = config.head_dim
    if family == "gemma3":
        config.num_hidden_layers, config.layer_types = 7, ["sliding_attention"] * 5 + ["full_attention", "sliding_attention"]
        config.rope_parameters = {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1e6},
                                  "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}
    if family == "qwen3-moe":
        config.norm_topk_prob, config.mlp_only_layers, config.use_sliding_window, config.sliding_window = True, [], False, None
        config.decoder_sparse_step, config.layer_types = 1, ["full_attention"] * config.num_hidden_layers
    if family in ("gemma3", "qwen3-moe"):
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    config.save_pretrained(folder)
    writer = gguf.GGUFWriter(tmp_path / "x.gguf", GGUF_READ[family])
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    rope = config.rope_parameters.get("full_attention", config.rope_parameters)
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if family == "starcoder2":
        writer.add_layer_norm_eps(config.norm_epsilon)
    else:
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if family.startswith(("gemma", "qwen3")):
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    if family == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if family in ("gemma2", "gemma3", "phi3", "starcoder2") and config.sliding_window:
        writer.add_sliding_window(config.sliding_window)
    if family == "phi3":
        writer.add_rope_dimension_count(int(config.rope_parameters["partial_rotary_factor"] * head_dim))
        writer.add_rope_scaling_orig_ctx_len(config.original_max_position_embeddings)
    if family == "qwen3-moe":
        writer.add_expert_count(config.num_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    names = gguf.get_tensor_name_map(getattr(gguf.MODEL_ARCH, GGUF_READ[family].upper()), config.num_hidden_layers)
    original = load_file(folder / "model.safetensors")
    for tensor in [name for name in original if ".experts.0." in name]:
        each = [original.pop(tensor.replace("experts.0.", f"experts.{i}.")) for i in range(config.num_experts)]
        original[tensor.replace("experts.0.", "experts.")] = torch.stack(each)
    for tensor, value in original.items():
        value = value.float() + (1 if family.startswith("gemma") and tensor.endswith("norm.weight") else 0)
        writer.add_tensor(names.get_name(tensor, (".weight", ".bias")), value.numpy())
    for length in ("long", "short") if family == "phi3" and config.rope_parameters["rope_type"] == "longrope" else ():
        writer.add_tensor(f"rope_factors_{length}.weight", numpy.array(config.rope_parameters[f"{length}_factor"], numpy.float32))
        scale = config.max_position_embeddings / config.original_max_position_embeddings
        writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(scale) / math.log(config.original_max_position_embeddings)) if scale > 1 else 1.0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    mine, theirs = outputs(tmp_path / "x.gguf", made, name, tmp_path / "a"), outputs(folder, made, name, tmp_path / "b")
    assert numpy.abs(mine - theirs).max() <= (0 if family in ("starcoder2", "qwen3-moe") else 2e-5)  # a norm's one more and one less round, and so does a factor in f32


# What Hearth writes, by checkpoint: the architecture, and what is asked of the configuration so that GGUF has keys for it.
GGUF_WRITTEN = {
    "mixtral": ("llama", {}), "smollm3": ("smollm3", {"no_rope_layer_interval": 4, "no_rope_layers": [1, 1, 1, 0]}), "qwen3-moe": ("qwen3moe", {"norm_topk_prob": True, "mlp_only_layers": [], "decoder_sparse_step": 1, "use_sliding_window": False, "layer_types": None}),
    "deepseek-v2": ("deepseek2", {}), "deepseek-v3": ("deepseek2", {}),
    "gemma": ("gemma", {}), "gemma2": ("gemma2", {"query_pre_attn_scalar": "head_dim"}), "phi3": ("phi3", {"sliding_window": None}), "starcoder2": ("starcoder2", {"sliding_window": None}),
    "falcon-7b": ("falcon", {}), "falcon-40b": ("falcon", {}), "gpt2": ("gpt2", {"scale_attn_by_inverse_layer_idx": False}),
    "bloom": ("bloom", {"apply_residual_connection_post_layernorm": False}), "gpt-neox": ("gptneox", {}), "phi2": ("phi2", {"qk_layernorm": False}),
}


def converters_names(architecture, name, tensor, config):
    """{GGUF's name: shape} of a checkpoint's tensor, as llama.cpp's converter hands them to the gguf package."""
    import gguf

    names = gguf.get_tensor_name_map({v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[architecture], config["num_hidden_layers"])
    shape = list(tensor.shape)
    if ".experts." in name:
        expert = name.split(".experts.")[1].split(".")[0]
        name, shape = name.replace(f".experts.{expert}.", ".experts."), [config.get("num_local_experts") or config.get("n_routed_experts") or config["num_experts"], *shape]
        name = name.replace("block_sparse_moe.experts", "feed_forward.experts").replace("model.layers", "layers") if "block_sparse_moe" in name else name
    if "kv_b_proj" in name:
        heads, nope, values = config["num_attention_heads"], config["qk_nope_head_dim"], config["v_head_dim"]
        return {names.get_name(name.replace("kv_b", "k_b"), (".weight",)): [heads, shape[1], nope], names.get_name(name.replace("kv_b", "v_b"), (".weight",)): [heads, values, shape[1]]}
    if architecture == "bloom":
        name = name.removeprefix("transformer.")
    if architecture == "gpt2" and name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")):
        shape.reverse()
    return {names.get_name(name.replace("e_score_correction_bias", "e_score_correction.bias"), (".weight", ".bias")): shape}


@pytest.mark.parametrize("family", GGUF_WRITTEN)
def test_gguf_that_llama_cpp_runs(made, family, tmp_path):
    """Tensors as its converter names and shapes them; llama.cpp gives transformers' logits; so does Hearth; and back again."""
    import gguf
    from transformers import AutoConfig, AutoModelForCausalLM

    architecture, changes = GGUF_WRITTEN[family]
    name, folder = f"{family}.causal", tmp_path / "model"
    shutil.copytree(made / name, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {key: config[value] if isinstance(value, str) else value for key, value in changes.items()}
    if family == "phi3":  # llama.cpp takes the factors for long texts when its cache is longer than this
        config["rope_parameters"]["original_max_position_embeddings"] = config["original_max_position_embeddings"] = 4096
        config["max_position_embeddings"] = 8192
    (folder / "config.json").write_text(json.dumps(config))
    torch.manual_seed(0)
    if changes.keys() & {"qk_layernorm", "mlp_only_layers"}:  # which tensors there are
        AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder)).save_pretrained(folder)
    convert(folder, tmp_path / "x.gguf")
    reader = gguf.GGUFReader(tmp_path / "x.gguf")
    assert reader.fields["general.architecture"].contents() == architecture
    original = load_file(folder / "model.safetensors")
    common = {"num_hidden_layers": config.get("num_hidden_layers") or config["n_layer"]}
    expected = {}
    for tensor, value in original.items():
        expected |= converters_names(architecture, tensor, value, config | common)
    written = {tensor.name: [int(n) for n in reversed(tensor.shape)] for tensor in reader.tensors if not tensor.name.startswith("rope_f")}
    assert written == expected
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    golden = load_file(made / "golden" / f"{name}.safetensors")
    row = [int(i) for i in golden["in.input_ids"][golden["in.attention_mask"].sum(1).argmax()]][:12]
    with torch.no_grad():
        theirs = model(input_ids=torch.tensor([row])).logits[0].numpy()
        all_theirs = model(input_ids=golden["in.input_ids"], attention_mask=golden["in.attention_mask"]).logits[golden["in.attention_mask"].bool()].numpy()
    llama = llama_logits(tmp_path / "x.gguf", row)
    assert numpy.abs(llama - theirs).max() <= 5e-3 * numpy.abs(theirs).max()  # its f16 cache and tables of GELU
    ours, again = outputs(tmp_path / "x.gguf", made, name, tmp_path / "a"), outputs(folder, made, name, tmp_path / "b")
    assert numpy.abs(ours.reshape(all_theirs.shape) - all_theirs).max() <= 2e-5 * numpy.abs(all_theirs).max()
    assert numpy.abs(ours - again).max() <= 2e-5 * numpy.abs(again).max()
    convert(tmp_path / "x.gguf", tmp_path / "back")
    back = load_file(tmp_path / "back" / "model.safetensors")
    original = {n.replace("embed_out.", "lm_head."): t for n, t in original.items()}
    assert back.keys() == original.keys()
    exact = 1e-6 if family.startswith("gemma") else 0  # one more and one less rounds
    assert all((back[n] - original[n]).abs().max() <= exact for n in original)
    back = AutoModelForCausalLM.from_pretrained(tmp_path / "back", attn_implementation="eager").eval()
    with torch.no_grad():
        assert (back(input_ids=torch.tensor([row])).logits[0] - torch.from_numpy(theirs)).abs().max() <= 1e-5


def llama_logits(path, tokens):
    """The logits of every position by the real llama.cpp."""
    import llama_cpp

    llama = llama_cpp.Llama(str(path), n_ctx=64, n_threads=1, logits_all=True, verbose=False, type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32, flash_attn=False)
    llama.eval(tokens)
    out = numpy.array(llama.scores[: len(tokens)])
    llama.close()
    return out


def rewritten(source, target, tensors=None, **changes):
    """A GGUF file over again, by the gguf package: `changes` of metadata (a dot is two underscores; None takes a key away), `tensors` of one to many."""
    import gguf

    reader = gguf.GGUFReader(source)
    architecture = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(target, architecture)
    changes = {f"{architecture}.{key.replace('__', '.')}": value for key, value in changes.items()}
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == "general.architecture" or field.name in changes:
            continue
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=field.types[-1] if len(field.types) > 1 else None)
    for key, value in changes.items():
        if value is not None:
            writer.add_uint32(key, value)
    for tensor in reader.tensors:
        for name, data, *kind in (tensors or (lambda name, data: [(name, data)]))(tensor.name, numpy.array(tensor.data)):
            writer.add_tensor(name, data, raw_dtype=kind[0] if kind else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_gguf_of_older_converters(made, tmp_path):
    """A tensor an expert (Mixtral, 2024); the expansion of latents in one matrix, and the heads' widths alone (DeepSeek, 2024)."""
    name = "mixtral.causal"
    convert(made / name, tmp_path / "new.gguf")
    each = lambda name, data: [(name, data)] if "_exps" not in name else [(name.replace("_exps", f".{i}"), expert) for i, expert in enumerate(data)]
    rewritten(tmp_path / "new.gguf", tmp_path / "old.gguf", each)
    assert numpy.array_equal(outputs(tmp_path / "old.gguf", made, name, tmp_path / "a"), outputs(made / name, made, name, tmp_path / "b"))
    for name in ("deepseek-v2.causal", "deepseek-v3.causal"):
        config, original = json.loads((made / name / "config.json").read_text()), load_numpy(made / name / "model.safetensors")
        convert(made / name, tmp_path / f"{name}.gguf")

        def whole(name, data):
            if "attn_v_b" in name:
                return []
            return [(name.replace("k_b", "kv_b"), original[f"model.layers.{name.split('.')[1]}.self_attn.kv_b_proj.weight"])] if "attn_k_b" in name else [(name, data)]

        rewritten(tmp_path / f"{name}.gguf", tmp_path / f"old-{name}.gguf", whole, attention__key_length_mla=None, attention__value_length_mla=None, attention__value_length=config["v_head_dim"],
                  attention__key_length=config["qk_nope_head_dim"] + config["qk_rope_head_dim"], attention__head_count_kv=config["num_attention_heads"])
        assert numpy.abs(outputs(tmp_path / f"old-{name}.gguf", made, name, tmp_path / "a") - outputs(made / name, made, name, tmp_path / "b")).max() <= 2e-5


@pytest.mark.parametrize("family", ["gpt2", "bloom", "falcon-40b", "mixtral", "deepseek-v2"])
def test_gguf_in_blocks(made, family, tmp_path):
    """Rows in another order, matrices turned and experts apart are the same in Q8_0 as in what the gguf package makes of it."""
    import gguf

    folder = tmp_path / "model"
    shutil.copytree(made / f"{family}.causal", folder)
    config = json.loads((folder / "config.json").read_text()) | GGUF_WRITTEN[family][1]
    (folder / "config.json").write_text(json.dumps(config))
    convert(folder, tmp_path / "x.gguf")
    kind, blocks = gguf.GGMLQuantizationType.Q8_0, []

    def quantized(name, data):
        if data.ndim < 2 or data.shape[-1] % 32 or "position" in name:
            return [(name, data)]
        blocks.append(name)
        return [(name, gguf.quants.quantize(data, kind), kind)]

    rewritten(tmp_path / "x.gguf", tmp_path / "q8.gguf", quantized)
    rewritten(tmp_path / "x.gguf", tmp_path / "f32.gguf", lambda name, data: [(name, gguf.quants.dequantize(quantized(name, data)[0][1], kind) if name in blocks else data)])
    assert len(blocks) > 4
    convert(tmp_path / "q8.gguf", tmp_path / "a")
    convert(tmp_path / "f32.gguf", tmp_path / "b")
    ours, theirs = load_file(tmp_path / "a" / "model.safetensors"), load_file(tmp_path / "b" / "model.safetensors")
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[n], theirs[n]) for n in ours)


def test_gguf_that_lies(made, tmp_path):
    """What a file says of itself is held against its tensors, and named."""
    bad = tmp_path / "bad.gguf"

    def told(source, tensors=None, **changes):
        rewritten(source, bad, tensors, **changes)
        done = subprocess.run(["sh", "-c", 'ulimit -v 4000000; exec "$@"', "sh", hearth, "forward", bad, made / "golden" / "mixtral.causal.safetensors", tmp_path / "out"], capture_output=True, text=True)
        assert done.returncode == 2, done.stderr
        return done.stderr

    good, latent, fused = tmp_path / "good.gguf", tmp_path / "latent.gguf", tmp_path / "fused.gguf"
    convert(made / "mixtral.causal", good)
    convert(made / "deepseek-v3.causal", latent)
    convert(made / "falcon-40b.causal", fused)
    assert "llama.expert_count says 5000000" in told(good, expert_count=5_000_000)
    assert "no number llama.block_count" in told(good, block_count=None)
    assert "llama.block_count is 4000000000" in told(good, block_count=4_000_000_000)
    assert "llama.attention.head_count is 4000000000" in told(good, attention__head_count=4_000_000_000)
    assert "llama.attention.head_count_kv is 3" in told(good, attention__head_count=4, attention__head_count_kv=3)
    assert "llama.attention.key_length is 4000000000" in told(good, attention__key_length=4_000_000_000)
    assert "llama.embedding_length is 7" in told(good, embedding_length=7)
    assert "blk.0.ffn_up_exps.weight is [" in told(good, lambda name, data: [(name, data[:1] if name == "blk.0.ffn_up_exps.weight" else data)])
    assert "blk.1.ffn_down_exps.weight" in told(good, lambda name, data: [] if name == "blk.1.ffn_down_exps.weight" else [(name, data)])
    assert "model.layers.0.input_layernorm.weight" in told(good, lambda name, data: [] if name == "blk.0.attn_norm.weight" else [(name, data)])
    assert "model.norm.weight is [" in told(good, lambda name, data: [(name, data[:5] if name == "output_norm.weight" else data)])
    assert "blk.0.attn_v_b.weight has no other half" in told(latent, lambda name, data: [] if name == "blk.0.attn_k_b.weight" else [(name, data)])
    assert "deepseek2.attention are 4000000000 wide" in told(latent, attention__key_length_mla=4_000_000_000)
    assert "blk.0.attn_qkv.weight has " in told(fused, lambda name, data: [(name, data[:13] if name == "blk.0.attn_qkv.weight" else data)])
    assert "falcon.attention.head_count_kv is 4000000000" in told(fused, attention__head_count_kv=4_000_000_000)


CHAT = "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"


@pytest.mark.parametrize("family", ["llama3", "gpt2", "falcon-40b"])
def test_gguf_pipeline(made, family, tmp_path):
    """`hearth pipeline` on one file answers texts and conversations as transformers does on the folder that it was made of."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path / "model"
    shutil.copytree(made / f"{family}.causal", folder)
    config = json.loads((folder / "config.json").read_text()) | GGUF_WRITTEN.get(family, ("", {}))[1]
    (folder / "config.json").write_text(json.dumps(config))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": CHAT}))
    (tmp_path / "alone").mkdir()
    convert(folder, tmp_path / "alone" / "x.gguf")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    chat = [{"role": "user", "content": "the river is"}]
    for input_, ids in ((TEXTS[0], tokenizer(TEXTS[0]).input_ids), (chat, tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False))):
        made_ids = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False, max_new_tokens=6, pad_token_id=0)[0][len(ids):]
        for path in (tmp_path / "alone" / "x.gguf", tmp_path / "alone"):
            done = run("pipeline", "text-generation", path, "--input", input_ if isinstance(input_, str) else json.dumps([input_]), "--parameters", '{"do_sample": false, "max_new_tokens": 6, "return_full_text": false}')
            assert done.returncode == 0, done.stderr
            answer = json.loads(done.stdout)
            answer = answer[0] if isinstance(answer[0], dict) else answer[0][0]
            assert answer["generated_text"] == tokenizer.decode(made_ids, skip_special_tokens=True)
    assert json.loads(run("pipeline", tmp_path / "alone" / "x.gguf", "--input", "a", "--parameters", '{"do_sample": false, "max_new_tokens": 1}').stdout)  # the task too is found


def llama_seq2seq_logits(path, tokens, start):
    """The first answer of an encoder-decoder by the real llama.cpp."""
    import llama_cpp

    llama = llama_cpp.Llama(str(path), n_ctx=64, n_threads=1, logits_all=False, verbose=False, type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32, flash_attn=False)
    for step, ids in ((llama_cpp.llama_encode, tokens), (llama_cpp.llama_decode, [start])):
        array = (llama_cpp.llama_token * len(ids))(*ids)  # the batch points into it
        assert step(llama._ctx.ctx, llama_cpp.llama_batch_get_one(array, len(ids))) == 0
    out = numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(llama._ctx.ctx, -1), (llama.n_vocab(),)).copy()
    llama.close()
    return out


@pytest.mark.parametrize("family", ["t5", "t5-v1_1", "mt5", "umt5"])
def test_gguf_of_t5(made, family, tmp_path):
    """An encoder and a decoder: the converter's names, llama.cpp's first choice, transformers' logits, the tokenizer; and back again."""
    import gguf
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    name, folder = f"{family}.s2s", tmp_path / "model"
    shutil.copytree(made / name, folder)
    assert "relative_attention_max_distance" in refusal(folder, tmp_path / "x.gguf")
    config = json.loads((folder / "config.json").read_text()) | {"relative_attention_max_distance": 128}
    (folder / "config.json").write_text(json.dumps(config))
    assert "normalizes by Nmt" in refusal(folder, tmp_path / "x.gguf")
    tokenizer = json.loads((folder / "tokenizer.json").read_text()) | {"normalizer": None}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    convert(folder, tmp_path / "x.gguf")
    reader = gguf.GGUFReader(tmp_path / "x.gguf")
    original = load_file(folder / "model.safetensors")
    copy = {"lm_head.weight": original["shared.weight"]} if family in ("t5-v1_1", "mt5") else {}  # not scaled, so it is one of its own
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.T5, max(config["num_layers"], config["num_decoder_layers"]))
    assert {tensor.name: [int(n) for n in reversed(tensor.shape)] for tensor in reader.tensors} == {names.get_name(n, (".weight",)): list(t.shape) for n, t in (original | copy).items()}
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, attn_implementation="eager").eval()
    golden = load_file(made / "golden" / f"{name}.safetensors")
    row = [int(i) for i in golden["in.input_ids"][golden["in.attention_mask"].sum(1).argmax()]]
    with torch.no_grad():
        theirs = model(input_ids=torch.tensor([row]), decoder_input_ids=torch.tensor([[config["decoder_start_token_id"]]])).logits[0, 0].numpy()
        answer = model.generate(torch.tensor([row]), attention_mask=torch.ones(1, len(row), dtype=torch.long), do_sample=False, max_new_tokens=6)[0]
    llama = llama_seq2seq_logits(tmp_path / "x.gguf", row, config["decoder_start_token_id"])
    scale = config["d_model"] ** -0.5 if family != "t5-v1_1" and family != "mt5" else 1  # what llama.cpp leaves out
    assert numpy.abs(llama * scale - theirs).max() <= 5e-3 * numpy.abs(theirs).max()
    ours, again = outputs(tmp_path / "x.gguf", made, name, tmp_path / "a"), outputs(folder, made, name, tmp_path / "b")
    assert numpy.abs(ours - again).max() <= 2e-5 * numpy.abs(again).max()
    text = AutoTokenizer.from_pretrained(folder)
    for sentence in ("Paris is the capital of France.", "the river  and don't 12"):
        mine = run("tokenize", tmp_path / "x.gguf", sentence)
        assert mine.returncode == 0 and [int(i) for i in mine.stdout.split()] == text(sentence).input_ids
    convert(tmp_path / "x.gguf", tmp_path / "back")
    back = load_file(tmp_path / "back" / "model.safetensors")
    assert back.keys() == (original | copy).keys() and all(torch.equal(back[n], t) for n, t in (original | copy).items())
    with torch.no_grad():
        again = AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "back").generate(torch.tensor([row]), attention_mask=torch.ones(1, len(row), dtype=torch.long), do_sample=False, max_new_tokens=6)[0]
    assert torch.equal(again, answer)


@pytest.mark.parametrize("kind", ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_XS", "IQ4_NL", "Q5_0", "Q5_1", "MXFP4"])
def test_gguf_in_later_blocks(made, kind, tmp_path):
    """A model's matrices in blocks: as if the gguf package had made numbers of them."""
    import gguf
    from transformers import AutoConfig, AutoModelForCausalLM

    folder, name, type_ = tmp_path / "model", "llama3.causal", gguf.GGMLQuantizationType[kind]
    shutil.copytree(made / name, folder)
    config = AutoConfig.from_pretrained(folder)
    config.hidden_size, config.intermediate_size, config.head_dim = 256, 256, 256 // config.num_attention_heads
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    convert(folder, tmp_path / "x.gguf")
    random, block = numpy.random.default_rng(3), gguf.GGML_QUANT_SIZES[type_]

    def blocks(name, data):
        if "ffn_" not in name or "norm" in name:
            return None
        out = numpy.array(random.integers(0, 256, (*data.shape[:-1], data.shape[-1] // block[0], block[1])), numpy.uint8)
        for at in {"Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "Q5_1": [0, 2], "MXFP4": []}.get(kind, [0]):
            out[..., at : at + 2] = numpy.full((*out.shape[:-1], 1), 2e-4, numpy.float16).view(numpy.uint8)
        if kind == "MXFP4":
            out[..., 0] = 120
        return out.reshape(*data.shape[:-1], -1)

    made_once = {tensor.name: blocks(tensor.name, tensor.data) for tensor in gguf.GGUFReader(tmp_path / "x.gguf").tensors}
    rewritten(tmp_path / "x.gguf", tmp_path / "q.gguf", lambda name, data: [(name, data) if made_once[name] is None else (name, made_once[name], type_)])
    rewritten(tmp_path / "x.gguf", tmp_path / "f.gguf", lambda name, data: [(name, data if made_once[name] is None else gguf.quants.dequantize(made_once[name], type_))])
    exact = lambda path, out: load_numpy(out)["out.logits"] if run("forward", path, made / "golden" / f"{name}.safetensors", out, "--exact").returncode == 0 else None
    mine, theirs = exact(tmp_path / "q.gguf", tmp_path / "a"), exact(tmp_path / "f.gguf", tmp_path / "b")
    assert mine is not None and numpy.abs(mine - theirs).max() <= 1e-5 * numpy.abs(theirs).max()


def test_gguf_says_what_it_cannot(made, tmp_path):
    assert "opt" in refusal(made / MODEL, tmp_path / "x.gguf")
    assert "yarn" in refusal(made / "llama-yarn.causal", tmp_path / "x.gguf")
    assert not (tmp_path / "x.gguf").exists()
