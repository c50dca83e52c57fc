"""`hearth embed` beside the vectors of the oracle's repositories with modules.json: mean, first and last token."""
import json
import os
import pathlib
import subprocess

import numpy
import pytest
from safetensors.numpy import load_file

import checkpoints

root = pathlib.Path(__file__).resolve().parents[2]
hearth = os.environ.get("HEARTH_BIN", str(root / "build" / "bin" / "hearth"))
SEED = int(os.environ.get("HEARTH_PARITY_SEED", "0"))
VARIANT = os.environ.get("HEARTH_PARITY_VARIANT", "default")
NAMES = ("st-mean", "st-cls", "st-last")


def embed(model, *words, stdin=""):
    done = subprocess.run([hearth, "embed", str(model), *words], input=stdin, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def made():
    return checkpoints.make(list(NAMES), SEED, VARIANT)


def expected(made, name):
    """The texts without their prompt, and their vectors."""
    prompts = json.loads((made / name / "config_sentence_transformers.json").read_text())["prompts"]
    meta = json.loads((made / "golden" / f"{name}.json").read_text())
    return ([text.removeprefix(prompts["query"]) for text in meta["texts"]],
            load_file(made / "golden" / f"{name}.safetensors")["out.embedding"])


@pytest.mark.parametrize("name", NAMES)
def test_vectors_are_those_of_python(made, name):
    texts, vectors = expected(made, name)
    ours = numpy.array(json.loads(embed(made / name, *texts, "--prompt-name", "query", "--json")))
    assert numpy.abs(ours - vectors).max() <= 2e-5
    assert (ours * vectors).sum(-1).min() >= 0.99999  # both have the length 1


def test_lines_of_standard_input_in_any_batches(made):
    texts, vectors = expected(made, "st-mean")
    out = embed(made / "st-mean", "--batch-size", "1", stdin="\n".join(texts) + "\n")
    ours = numpy.array([[float(word) for word in line.split()] for line in out.splitlines()])
    assert numpy.abs(ours - vectors).max() <= 2e-5


def test_an_unknown_prompt_and_an_unknown_module_are_named(made, tmp_path):
    done = subprocess.run([hearth, "embed", str(made / "st-cls"), "a", "--prompt-name", "passage"], capture_output=True,
                          text=True)
    assert done.returncode != 0 and "passage" in done.stderr and "query" in done.stderr
    for file in (made / "st-cls").iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "modules.json").unlink()
    (tmp_path / "modules.json").write_text(json.dumps([
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_CNN", "type": "sentence_transformers.models.CNN"}]))
    done = subprocess.run([hearth, "embed", str(tmp_path), "a"], capture_output=True, text=True)
    assert done.returncode != 0 and "CNN" in done.stderr
