"""Quantized caches of generate() beside transformers with optimum-quanto: the same tokens, row by row (in a padded batch
transformers' groups take in the padding)."""
import json
import os
import subprocess

import pytest
from safetensors.numpy import load_file

import checkpoints
from outputs import hearth
from test_generation import generate

# optimum-quanto imports setuptools, which refuses to come after Python's own distutils: other tests may have brought that.
os.environ["SETUPTOOLS_USE_DISTUTILS"] = "stdlib"

KINDS = [{"nbits": 4, "q_group_size": 16}, {"nbits": 2, "q_group_size": 16, "residual_length": 4}, {"nbits": 4, "q_group_size": 16, "residual_length": 3},
         {"nbits": 4, "axis_key": -1, "axis_value": -1, "q_group_size": 4, "residual_length": 8}, {"backend": "fp8"}, {}]
WAYS = [{}, {"num_beams": 3}, {"do_sample": True, "seed": 3}]


@pytest.fixture(scope="module")
def made():
    return checkpoints.make(["gpt2", "llama3", "mistral", "bart"], 0)


@pytest.mark.parametrize("name", ["gpt2.causal", "llama3.causal"])
def test_tokens(made, name, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    ids = torch.from_numpy(load_file(made / "golden" / f"{name}.safetensors")["in.input_ids"])[:1, -8:].contiguous()
    model = AutoModelForCausalLM.from_pretrained(made / name).eval()
    compared, changed = 0, 0
    for at, kind in enumerate(KINDS):
        for way in WAYS if at in (1, 4) else WAYS[:1]:
            torch.manual_seed(way.get("seed", 0))
            rules = {"max_new_tokens": 25} | way | {"cache_implementation": "quantized", "cache_config": kind}
            try:
                wanted = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **{k: v for k, v in rules.items() if k != "seed"}).tolist()
            except ValueError as error:
                with pytest.raises(AssertionError, match="divisor"):
                    generate(made, name, {"in.input_ids": ids.numpy()}, rules, tmp_path)
                assert "divisor" in str(error), kind
                continue
            backends = ("native", "aten") if at == 1 and not way else ("native",)
            for backend in backends:
                assert generate(made, name, {"in.input_ids": ids.numpy()}, rules, tmp_path, "--backend", backend)[0] == wanted, (kind, way, backend)
            torch.manual_seed(way.get("seed", 0))
            changed += wanted != model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=25, **{k: v for k, v in way.items() if k != "seed"}).tolist()
            compared += 1
    assert compared >= 8 and changed >= 1, (compared, changed)  # quantized numbers do matter


@pytest.mark.parametrize("name,rules,message", [
    ("llama3.causal", {"cache_config": {"backend": "hqq"}}, "'hqq' is not offered"), ("llama3.causal", {"cache_config": {"nbits": 3}}, "nbits is 3, not 2 or 4"),
    ("llama3.causal", {"prompt_lookup_num_tokens": 3}, "guesses and contrastive search"), ("llama3.causal", {"cache_config": {"q_group_size": 7}}, "not a divisor of"),
    ("mistral.causal", {}, "layers that do not see all tokens"), ("bart.s2s", {}, "models with an encoder")])
def test_faults_are_named(made, name, rules, message, tmp_path):
    ids = load_file(made / "golden" / f"{name}.safetensors")["in.input_ids"][:1].copy()
    with pytest.raises(AssertionError) as told:
        generate(made, name, {"in.input_ids": ids}, {"max_new_tokens": 4, "cache_implementation": "quantized"} | rules, tmp_path)
    assert message in str(told.value)


def test_flags_of_run(made):
    """A cache of 2 bits answers through `hearth run` what it answers through generate()."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path, config = made / "gpt2.causal", {"nbits": 2, "q_group_size": 16, "residual_length": 4}
    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModelForCausalLM.from_pretrained(path).eval()
    ids = tokenizer("Hello there", return_tensors="pt")["input_ids"]
    wanted = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=20, cache_implementation="quantized", cache_config=config)
    said = subprocess.run([hearth, "run", "--raw", "--max-new-tokens", "20", "--cache-implementation", "quantized", "--cache-config", json.dumps(config), str(path),
                           "Hello there"], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert said.stdout.removesuffix("\n") == tokenizer.decode(wanted[0, ids.shape[1]:], skip_special_tokens=True).removesuffix("\n")
