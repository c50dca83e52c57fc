"""The programs of examples/ on small checkpoints, each beside the Python that its README names."""
import json
import os
import pathlib
import subprocess

import numpy
import pytest

import checkpoints

root = pathlib.Path(__file__).resolve().parents[2]
programs = pathlib.Path(os.environ.get("HEARTH_BUILD", root / "build")) / "bin" / "examples"
NAMES = ("llama3.causal", "bert.seqcls", "bert.mlm", "t5.s2s", "st-mean")
TEXT = "The capital of France is"
TRIED = set()


@pytest.fixture(scope="module")
def made():
    return checkpoints.make(list(NAMES), 0, "default")


def run(name, *words):
    TRIED.add(name)
    done = subprocess.run([programs / name, *map(str, words)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def generated(folder, ids, **settings):
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder).generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), **settings)


def test_text_generation(made):
    from transformers import AutoTokenizer

    folder = made / "llama3.causal"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(TEXT)["input_ids"]
    theirs = generated(folder, ids, max_new_tokens=12, do_sample=False)[0][len(ids):]
    assert run("text_generation", folder, TEXT) == tokenizer.decode(theirs, skip_special_tokens=True) + "\n"


def test_chat_on_the_real_smollm2(smollm2):
    assert "Paris" in run("chat", smollm2, "What is the capital of France?")


def test_classification(made):
    from transformers import pipeline

    ours = json.loads(run("classification", made / "bert.seqcls", "I love this."))
    theirs = pipeline("text-classification", str(made / "bert.seqcls"))("I love this.")
    assert [one["label"] for one in ours] == [one["label"] for one in theirs]
    assert ours[0]["score"] == pytest.approx(theirs[0]["score"], abs=1e-5)


def test_masked_lm(made):
    from transformers import AutoTokenizer, pipeline

    folder = made / "bert.mlm"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = f"the cat {tokenizer.mask_token} down"
    best = pipeline("fill-mask", str(folder))(text)[0]
    assert run("masked_lm", folder, text) == tokenizer.decode([best["token"]]) + "\n"


def test_translation(made):
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    folder = made / "t5.s2s"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    out = AutoModelForSeq2SeqLM.from_pretrained(folder).generate(**tokenizer(TEXT, return_tensors="pt"), max_new_tokens=12, num_beams=4)
    assert run("translation", folder, TEXT) == tokenizer.decode(out[0], skip_special_tokens=True) + "\n"


def test_embeddings(made):
    from sentence_transformers import SentenceTransformer

    texts = ["a cat", "a dog on the sofa", "Numbers: 1 2 3"]
    vectors = SentenceTransformer(str(made / "st-mean"), device="cpu").encode(texts, normalize_embeddings=True)
    lines = run("embeddings", made / "st-mean", *texts).splitlines()
    assert [float(line.split()[0]) for line in lines] == pytest.approx((vectors[1:] @ vectors[0]).tolist(), abs=2e-5)


@pytest.mark.parametrize("labels", (1, 3))
@pytest.mark.parametrize("has_types", (False, True))
def test_ranking(made, tmp_path, labels, has_types):
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(made / "bert.seqcls"), num_labels=labels, device="cpu", model_kwargs={"ignore_mismatched_sizes": True})
    names = ["input_ids"] + ["token_type_ids"] * has_types + ["attention_mask"]
    model.tokenizer.model_input_names = model.tokenizer.init_kwargs["model_input_names"] = names
    model.save(str(tmp_path / "saved"))
    texts = ["Paris is a city.", "cats sleep", "Paris, the capital of France, has two million people. " * 3]
    assert json.loads((tmp_path / "saved" / "tokenizer_config.json").read_text())["model_input_names"] == names
    theirs = numpy.array(model.predict([(TEXT, text) for text in texts])).reshape(len(texts), labels)
    lines = run("ranking", tmp_path / "saved", TEXT, *texts).splitlines()
    ours = numpy.array([[float(word) for word in line.split()[:labels]] for line in lines])
    assert numpy.abs(ours - theirs).max() <= 3e-5


def test_tokenizer(made):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(made / "bert.mlm")
    made_of, back = run("tokenizer", made / "bert.mlm", "Hello, world!").splitlines()
    theirs = tokenizer("Hello, world!")
    assert json.loads(made_of) == dict(theirs)
    assert back == tokenizer.decode(theirs["input_ids"], skip_special_tokens=True)


def test_generation_config(made):
    import torch
    from transformers import AutoTokenizer

    folder = made / "llama3.causal"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(7)
    rows = generated(folder, tokenizer(TEXT)["input_ids"], max_new_tokens=8, do_sample=True, top_p=0.9, temperature=0.8, num_return_sequences=2)
    assert run("generation_config", folder, TEXT) == "".join(tokenizer.decode(row) + "\n" for row in rows)


def test_save_and_load(made, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    folder = made / "llama3.causal"
    assert run("save_and_load", folder, tmp_path / "saved") == "llama\n"
    ours, theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "saved"), AutoModelForCausalLM.from_pretrained(folder)
    assert ours.dtype == torch.bfloat16 and len(list((tmp_path / "saved").glob("*.safetensors"))) > 1
    for name, weight in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], weight.to(torch.bfloat16)), name


def test_an_error_is_told(tmp_path):
    done = subprocess.run([programs / "text_generation", tmp_path, "a"], capture_output=True, text=True)
    assert done.returncode == 1 and str(tmp_path) in done.stderr


def test_no_program_is_left_out():
    assert {path.stem for path in (root / "examples").glob("*.cc")} == TRIED
