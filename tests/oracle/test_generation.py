"""generate() beside transformers: greedy search, beams, processors, guesses and seeded sampling, on padded batches.

Token ids compare exactly, in sampling too: the same seed draws the same tokens. Scores of beams are sums of some ten
f32 log probabilities: 1e-4.
"""
import json

import numpy
import pytest
from safetensors.numpy import load_file, save_file

import checkpoints
from test_families import CASES, SEED, VARIANT, forward, made  # noqa: F401  (a fixture)

MODELS = [case for case in CASES if case.endswith((".causal", ".s2s"))]


def generate(made, name, inputs, arguments, folder, *flags):
    save_file(inputs, folder / "inputs")
    out = forward(made / name, folder / "inputs", folder / "out", "--generate", json.dumps(arguments), *flags)
    return out["out.sequences"].astype(int).tolist(), out.get("out.sequences_scores")


@pytest.mark.parametrize("name", MODELS)
def test_generate(made, name, tmp_path):
    cases = json.loads((made / "golden" / f"{name}.json").read_text())["generate"]
    golden = load_file(made / "golden" / f"{name}.safetensors")
    inputs = {key: golden[key] for key in ("in.input_ids", "in.attention_mask")}
    compared = 0
    for case, wanted in cases.items():
        if "error" in wanted:  # a way that transformers does not have for this model
            continue
        rows = {k: numpy.ascontiguousarray(v[:1]) for k, v in inputs.items()} if case == "prompt_lookup" else inputs
        backends = ("native", "aten") if name in ("llama3.causal", "bart.s2s") else ("native",)
        for backend in backends:
            ids, scores = generate(made, name, rows, wanted["args"], tmp_path, "--backend", backend)
            assert ids == wanted["sequences"], (case, backend)
            if "sequences_scores" in wanted:
                assert numpy.abs(scores - wanted["sequences_scores"]).max() < 1e-4, (case, backend)
        compared += 1
    assert compared >= 8


@pytest.fixture(scope="module")
def few():
    return checkpoints.make(["gpt2", "llama3", "qwen3"], SEED, VARIANT)


@pytest.fixture(scope="module")
def pair(few):
    """A model and an assistant of the same vocabulary, as transformers loads them, and one prompt."""
    from transformers import AutoModelForCausalLM

    golden = load_file(few / "golden" / "llama3.causal.safetensors")
    prompt = golden["in.input_ids"][2:3]
    paths = few / "llama3.causal", few / "qwen3.causal"
    return [AutoModelForCausalLM.from_pretrained(path).eval() for path in paths], prompt


@pytest.mark.parametrize("arguments", [
    {"max_new_tokens": 16},
    {"max_new_tokens": 16, "do_sample": True, "temperature": 0.7, "top_k": 30, "seed": 3},
    {"max_new_tokens": 12, "do_sample": True, "top_k": 0, "num_assistant_tokens": 4, "seed": 11},
])
def test_assistant(few, pair, arguments, tmp_path, monkeypatch):
    """Greedy answers equal the model's own. Drawn ones equal transformers' draw for draw."""
    import torch
    from transformers.generation import candidate_generator

    # Where scikit-learn is there, transformers moves assistant_confidence_threshold after each round; ours stays.
    monkeypatch.setattr(candidate_generator, "is_sklearn_available", lambda: False)
    (model, assistant), prompt = pair
    keywords = dict(arguments)
    assistant.generation_config.num_assistant_tokens = keywords.pop("num_assistant_tokens", 20)
    torch.manual_seed(keywords.pop("seed", 0))
    ids = torch.from_numpy(prompt)
    wanted = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), assistant_model=assistant, **keywords)
    flags = ("--assistant", str(few / "qwen3.causal"))
    ours, _ = generate(few, "llama3.causal", {"in.input_ids": prompt}, arguments, tmp_path, *flags)
    assert ours == wanted.tolist()
    if "do_sample" not in arguments:
        assert ours == generate(few, "llama3.causal", {"in.input_ids": prompt}, arguments, tmp_path)[0]


WAYS = [
    {"max_new_tokens": 12, "top_h": 0.6, "top_k": 0},
    {"max_new_tokens": 12, "num_return_sequences": 3},
    {"max_new_tokens": 8, "num_beams": 3, "num_return_sequences": 3, "temperature": 1.5},
    {"max_length": 40, "min_length": 36, "typical_p": 0.5},
    {"max_new_tokens": 8, "encoder_repetition_penalty": 1.4, "encoder_no_repeat_ngram_size": 2},
    {"max_new_tokens": 6, "forced_bos_token_id": 9, "forced_eos_token_id": 11},
    {"max_new_tokens": 10, "num_beams": 3, "bad_words_ids": [[5], [6, 7]], "length_penalty": -1.0},
]


@pytest.mark.parametrize("arguments,do_sample", [
    (way, do_sample) for do_sample in (False, True) for way in WAYS
    if do_sample or way.get("num_return_sequences", 1) <= way.get("num_beams", 1)])  # greedy search finds one text
def test_more_ways(few, arguments, do_sample, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    golden = load_file(few / "golden" / "gpt2.causal.safetensors")
    inputs = {key: golden[key] for key in ("in.input_ids", "in.attention_mask")}
    model = AutoModelForCausalLM.from_pretrained(few / "gpt2.causal").eval()
    torch.manual_seed(5)
    ids, mask = (torch.from_numpy(value) for value in inputs.values())
    wanted = model.generate(input_ids=ids, attention_mask=mask, do_sample=do_sample, **arguments).tolist()
    ours, _ = generate(few, "gpt2.causal", inputs, arguments | {"do_sample": do_sample, "seed": 5}, tmp_path)
    assert ours == wanted


@pytest.mark.parametrize("arguments,message", [
    ({"num_beams": 0}, "num_beams is 0"),
    ({"max_length": 4}, "max_length is 4"),
    ({"num_return_sequences": 2}, "num_return_sequences is 2"),
    ({"prompt_lookup_num_tokens": 2}, "one prompt"),
    ({"suppress_tokens": [100000]}, "suppress_tokens has token 100000"),
    ({"top_k": "many"}, "top_k is \"many\""),
])
def test_faults_are_named(few, arguments, message, tmp_path):
    golden = load_file(few / "golden" / "gpt2.causal.safetensors")
    with pytest.raises(AssertionError) as told:
        generate(few, "gpt2.causal", {"in.input_ids": golden["in.input_ids"]}, arguments, tmp_path)
    assert message in str(told.value)
