"""Encoder-decoders beside transformers where the tables of test_families.py do not reach: their texts, T5's own lm_head."""
import json
import shutil
import subprocess

import numpy
import pytest
from safetensors.numpy import load_file, save_file

import checkpoints
from outputs import TOLERANCE, distance, forward, hearth

TEXTS = ["Hello, I'm a quick fox", "The capital of France is"]


@pytest.fixture(scope="module")
def made():
    return checkpoints.make(["bart", "t5", "t5-v1_1"], 3)


def run(*words):
    return subprocess.run([hearth, "run", *map(str, words)], capture_output=True, text=True)


def answers(path, texts, **rules):
    """What transformers says."""
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModelForSeq2SeqLM.from_pretrained(path)
    out = []
    for text in texts:
        asked = tokenizer(text, return_tensors="pt")
        made = model.generate(input_ids=asked["input_ids"], attention_mask=asked["attention_mask"], **rules)
        out.append(tokenizer.decode(made[0], skip_special_tokens=True) + "\n")
    return out


@pytest.mark.parametrize("name", ["bart.s2s", "t5.s2s"])
def test_texts(made, name):
    ours = [run(made / name, text, "--max-new-tokens", 9).stdout for text in TEXTS]
    assert ours == answers(made / name, TEXTS, max_new_tokens=9)


def test_task_specific_params(made, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(made / "t5.s2s", folder)
    config = json.loads((folder / "config.json").read_text())
    rules = {"prefix": "translate: ", "max_length": 7, "num_beams": 2}
    config["task_specific_params"] = {"translation_en_to_de": rules}
    (folder / "config.json").write_text(json.dumps(config))
    ours = run(folder, TEXTS[0], "--task", "translation_en_to_de").stdout
    assert [ours] == answers(folder, ["translate: " + TEXTS[0]], max_length=7, num_beams=2)
    told = run(folder, TEXTS[0], "--task", "translation_en_to_fr")
    assert told.returncode != 0 and "it has: translation_en_to_de" in told.stderr


def test_lm_head_of_its_own(made, tmp_path):
    """T5 v1.1's files have one, whatever their configuration says of tied embeddings."""
    import torch
    from transformers import AutoModelForSeq2SeqLM

    folder = tmp_path / "model"
    shutil.copytree(made / "t5-v1_1.s2s", folder)
    weights = load_file(folder / "model.safetensors")
    weights["lm_head.weight"] = numpy.random.default_rng(1).normal(size=weights["shared.weight"].shape).astype("float32")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    golden = load_file(made / "golden" / "t5-v1_1.s2s.safetensors")
    asked = {key[3:]: torch.from_numpy(value) for key, value in golden.items() if key.startswith("in.")}
    with torch.no_grad():
        theirs = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()(**asked).logits.numpy()
    ours = forward(folder, made / "golden" / "t5-v1_1.s2s.safetensors", tmp_path / "out")["out.logits"]
    assert distance(ours, theirs) <= TOLERANCE
    assert distance(ours, golden["out.logits"]) > 0.1


def test_a_source_beyond_the_positions(made):
    told = run(made / "bart.s2s", "fox " * 2000)
    assert told.returncode != 0 and "the model has positions for" in told.stderr
