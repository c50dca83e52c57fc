"""The LLaMA family beside transformers: tiny random checkpoints, and SmolLM2 from its GGUF file, on both backends.

Tolerances are max|ours - theirs| / max|theirs|. Tiny checkpoints: 2e-5 (f32, 2 to 3 layers). SmolLM2, exact: 1e-4 (f32,
30 layers, sums in another order). SmolLM2, fast: 8-bit activations; the bounds that docs/transformers.md publishes.
"""
import json
import os
import pathlib
import shutil
import subprocess

import numpy
import pytest
from safetensors.numpy import load_file, save_file

import checkpoints

root = pathlib.Path(__file__).resolve().parents[2]
hearth = os.environ.get("HEARTH_BIN", str(root / "build" / "bin" / "hearth"))
NAMES = ["llama2.causal", "llama2-legacy-tok.causal", "llama3.causal", "deepseek-coder.causal", "llama-yarn.causal"]
SETS = [(0, "default"), (1, "default"), (0, "heldout"), (1, "heldout"), (2, "heldout")]
PROMPTS = """The capital of France is
Once upon a time, there was a little
def fibonacci(n):
The three primary colors are
Water boils at a temperature of
To make a good cup of tea, you
The largest planet in our solar system
In 1969, Neil Armstrong became
My favourite food is pizza because
A function that returns the sum of a list:
The opposite of hot is
Dear Sir or Madam, I am writing
Photosynthesis is the process by which
import numpy as np
The mitochondria is the
Q: What is 12 + 30? A:
She opened the door and saw
The quick brown fox jumps over
Roses are red, violets are
The Pythagorean theorem states that""".split("\n")


def logits(folder, model, sequences, *flags, **request):
    """What `hearth logits` writes for these ids."""
    (folder / "request.json").write_text(json.dumps({"sequences": sequences} | request))
    words = ["logits", model, folder / "request.json", folder / "out.safetensors", *flags]
    done = subprocess.run([hearth, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return load_file(folder / "out.safetensors")


def distance(ours, theirs):
    assert ours.shape == theirs.shape
    return float(numpy.abs(ours - theirs).max() / numpy.abs(theirs).max())


@pytest.mark.parametrize("backend", ["native", "aten"])
@pytest.mark.parametrize("seed,variant", SETS)
def test_tiny_checkpoints(seed, variant, backend, tmp_path):
    made = checkpoints.make(NAMES, seed, variant)
    for name in NAMES:
        golden = load_file(made / "golden" / f"{name}.safetensors")
        case = json.loads((made / "golden" / f"{name}.json").read_text())["generate"]["greedy"]
        kept = golden["in.attention_mask"].astype(bool)
        sequences = [row[mask].tolist() for row, mask in zip(golden["in.input_ids"], kept)]
        prompt = golden["in.input_ids"].shape[1]
        # `split`: the rest of the prompt goes through a cache that is filled already.
        for split in (0, 3):
            out = logits(tmp_path, made / name, sequences, "--backend", backend, split=split,
                         max_new_tokens=case["args"]["max_new_tokens"], stop_at_eos=True)
            for i, mask in enumerate(kept):
                assert distance(out[f"logits.{i}"], golden["out.logits"][i][mask]) <= 2e-5, (name, split, i)
                if case["min_margin"] > 1e-4:
                    theirs = case["sequences"][i][prompt:]
                    assert out[f"ids.{i}"].tolist() == theirs[: len(out[f"ids.{i}"])], (name, i)
                    assert len(out[f"ids.{i}"]) > 0


@pytest.mark.parametrize("backend", ["native", "aten"])
@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"])
def test_weights_quantized_while_loading_are_those_of_gguf(kind, backend, tmp_path):
    """Every matrix of a product goes through gguf's blocks and back; tables that are looked up stay as they are."""
    import gguf
    import torch
    from transformers import AutoModelForCausalLM

    folder = checkpoints.make(NAMES, 0, "default") / "llama3.causal"
    model, type_ = AutoModelForCausalLM.from_pretrained(folder).eval(), gguf.GGMLQuantizationType[kind]
    ids = [3, 5, 8, 13, 21, 34]
    plain = model(torch.tensor([ids])).logits[0].detach().numpy()
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())  # no longer that of the embedding
    for part in model.modules():
        if isinstance(part, torch.nn.Linear):
            blocks = gguf.quants.quantize(part.weight.detach().numpy(), type_)
            part.weight.data = torch.from_numpy(gguf.quants.dequantize(blocks, type_))
    theirs = model(torch.tensor([ids])).logits[0].detach().numpy()
    ours = logits(tmp_path, folder, [ids], "--quantize", kind.lower(), "--exact", "--backend", backend)["logits.0"]
    assert distance(ours, theirs) <= 2e-5 < distance(plain, theirs)


def test_sharded_checkpoint_equals_the_whole(tmp_path):
    made = checkpoints.make(NAMES, 0, "default")
    whole = logits(tmp_path, made / "llama3.causal", [[5, 6, 7, 8]])["logits.0"]
    parts = logits(tmp_path, made / "llama3.causal.sharded", [[5, 6, 7, 8]])["logits.0"]
    assert len(list((made / "llama3.causal.sharded").glob("*.safetensors"))) > 1
    assert numpy.array_equal(whole, parts)


def test_run_reads_text_as_auto_tokenizer(tmp_path):
    """LlamaTokenizer takes nothing but the vocabulary from tokenizer.json: what else stands there changes no prompt."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = tmp_path / "model"
    shutil.copytree(checkpoints.make(NAMES, 0, "default") / "llama2.causal", folder)
    file = json.loads((folder / "tokenizer.json").read_text())
    file["normalizer"] = {"type": "Replace", "pattern": {"Regex": "[a-z]"}, "content": "!"}
    (folder / "tokenizer.json").write_text(json.dumps(file))
    config = json.loads((folder / "tokenizer_config.json").read_text()) | {"tokenizer_class": "LlamaTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer, text = AutoTokenizer.from_pretrained(folder), "the quick Brown fox"
    assert type(tokenizer).__name__ == "LlamaTokenizer"
    prompt = tokenizer(text, return_tensors="pt")
    made = AutoModelForCausalLM.from_pretrained(folder).generate(**prompt, max_new_tokens=12, do_sample=False)
    theirs = tokenizer.decode(made[0][prompt["input_ids"].shape[1]:], skip_special_tokens=True)
    words = ["run", folder, "--raw", "--exact", "--max-new-tokens", 12, text]
    done = subprocess.run([hearth, *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip("\n") == theirs.rstrip("\n") and theirs.strip()


@pytest.fixture
def broken(tmp_path):
    """change(config, tensors) -> what `hearth logits` says about a copy of a good checkpoint changed that way."""
    made = checkpoints.make(NAMES, 0, "default") / "llama2.causal"

    def run(change):
        config = json.loads((made / "config.json").read_text())
        tensors = dict(load_file(made / "model.safetensors"))
        change(config, tensors)
        folder = tmp_path / "broken"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config))
        save_file(tensors, folder / "model.safetensors")
        (tmp_path / "request.json").write_text('{"sequences": [[1, 2, 3]]}')
        done = subprocess.run([hearth, "logits", folder, tmp_path / "request.json", tmp_path / "out"], capture_output=True, text=True)
        assert done.returncode not in (0, 134), done.stderr
        return done.stderr

    return run


@pytest.mark.parametrize("change,told", [
    (lambda c, t: t.pop("model.norm.weight"), "missing tensors: model.norm.weight"),
    (lambda c, t: t.update({"model.extra.weight": numpy.ones(3, "f4")}), "no place for: model.extra.weight"),
    (lambda c, t: t.update({"model.norm.weight": numpy.ones(7, "f4")}), "model.norm.weight is [7], the configuration asks for [32]"),
    (lambda c, t: c.update(model_type="llamo"), "model_type 'llamo' is not known"),
    (lambda c, t: c.update(rope_parameters={"rope_type": "foo"}), "rope_type 'foo' is not known"),
    (lambda c, t: c.update(num_attention_heads=-4), "num_attention_heads is -4"),
    (lambda c, t: c.update(num_key_value_heads=3), "not a multiple of num_key_value_heads 3"),
    (lambda c, t: c.update(hidden_act="foo"), "hidden_act 'foo'"),
    (lambda c, t: c.update(architectures=["LlamaForSequenceClassification"]), "LlamaForSequenceClassification"),
    (lambda c, t: c.pop("hidden_size"), "config.json has no hidden_size"),
])
def test_faults_are_named(broken, change, told):
    assert told in broken(change)


# ---- SmolLM2 ----


@pytest.fixture(scope="module")
def reference(smollm2):
    """transformers' LlamaForCausalLM in f32 on the weights that the gguf package dequantizes."""
    import gguf
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)  # two that spin collapse when neighbours are busy
    reader = gguf.GGUFReader(smollm2)
    key = lambda name: reader.fields[f"llama.{name}"].contents()
    config = LlamaConfig(
        vocab_size=key("vocab_size"), hidden_size=key("embedding_length"), intermediate_size=key("feed_forward_length"),
        num_hidden_layers=key("block_count"), num_attention_heads=key("attention.head_count"),
        num_key_value_heads=key("attention.head_count_kv"), max_position_embeddings=key("context_length"),
        rms_norm_eps=key("attention.layer_norm_rms_epsilon"), tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": key("rope.freq_base")})
    names = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "attn_norm": "input_layernorm",
             "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
             "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj",
             "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    state = {}
    for tensor in reader.tensors:
        parts = tensor.name.split(".")
        part = parts[-2]
        values = torch.from_numpy(numpy.array(gguf.quants.dequantize(tensor.data, tensor.tensor_type)))
        if part in heads:  # llama.cpp's converter: reshape(heads, 2, d / 2, in).swapaxes(1, 2)
            values = values.view(heads[part], -1, 2, values.shape[-1]).swapaxes(1, 2).reshape(values.shape)
        prefix = f"model.layers.{parts[1]}." if parts[0] == "blk" else ""
        state[prefix + names[part] + ".weight"] = values.contiguous()
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    missing, extra = model.load_state_dict(state, strict=False, assign=True)
    assert missing == ["lm_head.weight"] and not extra
    model.tie_weights()
    model.model.rotary_emb = type(model.model.rotary_emb)(config)
    model.eval()

    def run(ids):
        with torch.no_grad():
            return model(torch.tensor([ids])).logits[0].numpy()

    return run


@pytest.fixture(scope="module")
def prompts(smollm2):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(smollm2.parent, gguf_file=smollm2.name)
    return [tokenizer(text)["input_ids"] for text in PROMPTS]


def test_smollm2_exact_on_native(smollm2, reference, prompts, tmp_path):
    made = logits(tmp_path, smollm2, prompts, "--exact", max_new_tokens=64, logits=False)
    sequences = [ids + made[f"ids.{i}"].tolist() for i, ids in enumerate(prompts)]
    compared = logits(tmp_path, smollm2, sequences[:4], "--exact", split=5)
    decided = 0
    for i, (prompt, sequence) in enumerate(zip(prompts, sequences)):
        theirs = reference(sequence)
        if i < 4:
            assert distance(compared[f"logits.{i}"], theirs) <= 1e-4, PROMPTS[i]
        error = 1e-4 * numpy.abs(theirs).max()
        # At each step, given the same beginning: the same token wherever theirs leads by more than the error.
        for at in range(len(prompt) - 1, len(sequence) - 1):
            second, first = numpy.partition(theirs[at], -2)[-2:]
            if first - second > 2 * error:
                assert sequence[at + 1] == theirs[at].argmax(), (PROMPTS[i], at)
                decided += 1
    assert len(sequences) == 20 and decided > 0.95 * 20 * 64


def test_perplexity_is_that_of_torch(smollm2, reference, tmp_path):
    """Windows of 41 tokens, each on its own; fast beside exact by KL's definition."""
    import torch
    from transformers import AutoTokenizer

    (tmp_path / "text").write_text("\n".join(PROMPTS))
    ids = AutoTokenizer.from_pretrained(smollm2.parent, gguf_file=smollm2.name)("\n".join(PROMPTS))["input_ids"]
    windows = [ids[at : at + 41] for at in range(0, len(ids), 41)]
    assert len(windows) > 3 and len(windows[-1]) > 1

    def perplexity(*flags):
        words = ["perplexity", smollm2, "--text", tmp_path / "text", "--window", 41, "--json", *flags]
        done = subprocess.run([hearth, *map(str, words)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    theirs = [torch.log_softmax(torch.from_numpy(reference(window)[:-1]).double(), -1) for window in windows]
    chosen = torch.cat([row.gather(1, torch.tensor(window[1:])[:, None]) for row, window in zip(theirs, windows)])
    exact = perplexity("--exact")
    assert exact["tokens"] == len(chosen) and exact["numerics"] == "exact f32"
    assert abs(exact["perplexity"] / float((-chosen.mean()).exp()) - 1) < 1e-4

    fast = perplexity("--fast", "--against", smollm2)
    assert abs(fast["perplexity_against"] / exact["perplexity"] - 1) < 1e-6
    out = logits(tmp_path, smollm2, windows, "--fast")
    ours = [torch.log_softmax(torch.from_numpy(out[f"logits.{i}"][:-1]).double(), -1) for i in range(len(windows))]
    divergence = torch.cat([(b.exp() * (b - a)).sum(-1) for a, b in zip(ours, theirs)]).mean()
    same = torch.cat([a.argmax(-1) == b.argmax(-1) for a, b in zip(ours, theirs)]).double().mean()
    assert abs(fast["kl"] / float(divergence) - 1) < 2e-2 and abs(fast["same_top"] - float(same)) <= 2 / len(chosen)
    assert abs(perplexity("--exact", "--against", smollm2)["kl"]) < 1e-9


def test_smollm2_exact_on_aten(smollm2, reference, prompts, tmp_path):
    out = logits(tmp_path, smollm2, prompts[:3], "--exact", "--backend", "aten")
    for i, ids in enumerate(prompts[:3]):
        assert distance(out[f"logits.{i}"], reference(ids)) <= 1e-4


@pytest.mark.parametrize("backend", ["native", "aten"])
def test_smollm2_bf16(smollm2, reference, prompts, backend, tmp_path):
    """bf16 arithmetic keeps 8 bits of mantissa: near the f32 logits, and not equal to them. The last text is long enough
    for products of many rows."""
    asked = [prompts[0], prompts[1], sum(prompts[3:6], [])]
    assert len(asked[1]) < 12 < len(asked[2])
    out = logits(tmp_path, smollm2, asked, "--dtype", "bf16", "--backend", backend)
    for i, ids in enumerate(asked):
        assert 1e-4 < distance(out[f"logits.{i}"], reference(ids)) < 5e-2


def test_smollm2_fast_stays_within_its_bound(smollm2, reference, prompts, tmp_path):
    out = logits(tmp_path, smollm2, prompts)  # the default of a quantized file
    ours = numpy.concatenate([out[f"logits.{i}"] for i in range(len(prompts))])
    theirs = numpy.concatenate([reference(ids) for ids in prompts])
    assert distance(ours, theirs) > 1e-4  # it is the other numerics
    centred = theirs - theirs.mean(axis=1, keepdims=True)
    error = numpy.sqrt(numpy.mean((ours - theirs) ** 2) / numpy.mean(centred**2))
    agree = numpy.mean(ours.argmax(axis=1) == theirs.argmax(axis=1))
    print(f"fast: relative RMS error of the logits {error:.4f}, first choices equal {agree:.4f}, max {distance(ours, theirs):.4f}")
    assert error <= 0.12 and agree >= 0.95
