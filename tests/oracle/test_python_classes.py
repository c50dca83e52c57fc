"""The classes of transformers that tokenize in Python code, and translation models' languages, against Python, exactly."""
import json
import os
import random
import shutil
import subprocess

import pytest

import make_checkpoints
import transformers
from test_auto_tokenizer import DRIVER, PAIRS, TEXTS, call, few, folders, ours, plain, variant_of  # noqa: F401: a fixture
from tokenizer_cases import HEARTH, hearth

MARKS = [">>fr<< Hello world", ">>xx<<Hello", "a >>fr<< b", ">>", ">>fr", " >>fr<< x", "</s>a</s>", "a <pad> </s> b <unk>", "x</s>\n", "<s>[NEW]<sep>y", "▁▁a ▁b", "ﬁ ㌔ ａｂ\u200b", "a\u0301 \u00a0 x  y ",
         "<extra_id_0> x<extra_id_7>y", "  </s>  </s> ", "Hello, World! It's (very) nice..."]
CALLS = [{"return_special_tokens_mask": True, "return_length": True, "return_token_type_ids": True}, {"add_special_tokens": False}, {"padding": True}, {"padding": "max_length", "max_length": 40},
         {"padding": True, "pad_to_multiple_of": 8, "padding_side": "left"}, {"max_length": 9}, {"truncation": True}, {"truncation": True, "max_length": 12}, {"truncation": "only_first", "max_length": 16},
         {"split_special_tokens": True}]


def same_python(folder, texts, kwargs=None, target=False):
    """All that both say of a folder whose class is not one of the tokenizers library."""
    t = transformers.AutoTokenizer.from_pretrained(str(folder), **(kwargs or {}))
    short = [x for x in texts if len(x) < 120][:40]
    r = random.Random(len(texts))
    pairs = [r.choice(short) for _ in short]
    requests = [{"do": "about"}] + [{"do": "call", "texts": texts if i < 2 else short, "options": o} for i, o in enumerate(CALLS)]
    requests += [{"do": "call", "texts": short, "pairs": pairs, "options": o} for o in CALLS + [{"truncation": "only_second", "max_length": 14}, {"truncation": True, "max_length": 13}]]
    requests += [{"do": "call", "texts": [w for w in (x.split() for x in short) if w], "options": CALLS[0]}]
    answers = ours(folder, requests, kwargs)
    about = answers[0]
    assert about["class"] == type(t).__name__ and not t.is_fast
    assert about["special_tokens_map"] == t.special_tokens_map
    assert about["extra_special_tokens"] == [str(x) for x in t.extra_special_tokens]
    assert (about["padding_side"], about["truncation_side"], about["model_input_names"]) == (t.padding_side, t.truncation_side, t.model_input_names)
    assert about["model_max_length"] == (t.model_max_length if t.model_max_length < 1e18 else None)
    for request, answer in zip(requests[1:], answers[1:]):
        expected = call(t, request)
        assert set(answer) == set(expected), (request.get("options"), expected.get("error"), answer.get("error"))
        for key in expected:
            for i, (a, b) in enumerate(zip(expected[key], answer[key], strict=True)):
                if key in ("token_type_ids", "special_tokens_mask") and len(a) > len(expected["input_ids"][i]):
                    continue  # where a text ends with </s> ByT5 and SigLIP count another one that is not there
                assert a == b, f"{type(t).__name__} {key} of {request['texts'][i]!r} {request.get('pairs', [''] * 999)[i]!r} {request.get('options')}\n python {a}\n hearth {b}"
    if target:
        (answer,) = ours(folder, [{"do": "call", "texts": texts, "options": {"as_target": True}}], kwargs)
        assert answer == plain(dict(t(text_target=texts)))
    ids = t(texts)["input_ids"]
    end = len(t.decoder) if hasattr(t, "decoder") else len(t)  # Marian fails for ids that the target side has not
    rows = ids + [[r.randrange(end) for _ in range(r.randint(1, 30))] for _ in range(100)] + [list(range(end))]
    decoding = [{"do": "decode", "ids": row, "skip_special_tokens": skip} for row in rows for skip in (False, True)]
    for request, answer in zip(decoding, ours(folder, decoding, kwargs)):
        if type(t).__name__ == "MarianTokenizer" and max(request["ids"], default=0) >= end:
            continue
        assert answer == t.decode(request["ids"], skip_special_tokens=request["skip_special_tokens"]), request
    return t


def same_saved(folder, tmp_path, texts):
    assert ours(folder, [{"do": "save", "folder": str(tmp_path / "saved")}]) == [True]
    before, after = (transformers.AutoTokenizer.from_pretrained(str(p)) for p in (folder, tmp_path / "saved"))
    assert type(before) is type(after) and before.special_tokens_map == after.special_tokens_map and before.model_max_length == after.model_max_length
    assert dict(before(texts)) == dict(after(texts))
    assert [before.decode(x) for x in before(texts)["input_ids"]] == [after.decode(x) for x in before(texts)["input_ids"]]
    same_python(tmp_path / "saved", texts)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """make(name, **options of the trainer): a SentencePiece model on the oracle's corpus."""
    import sentencepiece

    folder, made = tmp_path_factory.mktemp("spm"), {}
    (folder / "corpus.txt").write_text(make_checkpoints.SENTENCES)

    def make(name, **options):
        if name not in made:
            sentencepiece.SentencePieceTrainer.train(input=str(folder / "corpus.txt"), model_prefix=str(folder / name), hard_vocab_limit=False, minloglevel=2, **{"vocab_size": 400, **options})
            made[name] = str(folder / f"{name}.model")
        return made[name]

    return make


def pieces_of(path):
    import sentencepiece

    p = sentencepiece.SentencePieceProcessor(model_file=path)
    return [p.id_to_piece(i) for i in range(p.get_piece_size())]


MARIAN = {
    "unigram": dict(model_type="unigram"),
    "bpe": dict(model_type="bpe", vocab_size=600, user_defined_symbols=["<sep>", "[NEW]"]),
    "user": dict(model_type="unigram", vocab_size=420, user_defined_symbols=["<sep>", "[NEW]", "qu"], add_dummy_prefix=False, remove_extra_whitespaces=False, normalization_rule_name="nmt_nfkc_cf"),
    "bytes": dict(model_type="unigram", vocab_size=560, byte_fallback=True, treat_whitespace_as_suffix=True),
    "char": dict(model_type="char", vocab_size=300, normalization_rule_name="identity"),
}


def marian(models, out, kind, separate=False, **config):
    options = MARIAN[kind]
    source = models(kind, **options)
    target = models(kind + "2", **{**options, "vocab_size": options.get("vocab_size", 400) - 60})
    os.makedirs(out, exist_ok=True)
    shutil.copy(source, out / "source.spm")
    shutil.copy(target, out / "target.spm")
    sides = [pieces_of(source), pieces_of(target)]
    words = [p for p in (sides[0] if separate else dict.fromkeys(sides[0] + sides[1])) if p not in ("<s>", "</s>", "<unk>")]
    random.Random(5).shuffle(words)
    (out / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(["</s>", "<unk>"] + words[3:] + [">>fr<<", "<pad>"])}))
    if separate:
        (out / "target_vocab.json").write_text(json.dumps({w: i for i, w in enumerate(["</s>", "<unk>"] + [p for p in sides[1] if p not in ("<s>", "</s>", "<unk>")] + ["<pad>"])}))
    (out / "tokenizer_config.json").write_text(json.dumps({"source_lang": "en", "target_lang": "fr", "separate_vocabs": separate, **config}))
    (out / "config.json").write_text(json.dumps({"model_type": "marian"}))
    return out


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("kind", MARIAN)
def test_marian(models, tmp_path, kind, separate):
    folder = marian(models, tmp_path / "t", kind, separate)
    same_python(folder, TEXTS + MARKS + few(f"marian{kind}"), target=True)


@pytest.mark.parametrize("config", [{"tokenizer_class": "MarianTokenizer", "model_max_length": 33, "padding_side": "left"}, {"extra_special_tokens": ["<new>", ">>fr<<"], "pad_token": "<p>"},
                                    {"added_tokens_decoder": {"7": {"content": "the", "special": False, "lstrip": True, "rstrip": True, "normalized": False, "single_word": False},
                                                              "900": {"content": "<x>", "special": True, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}}}])
def test_marian_configuration(models, tmp_path, config):
    folder = marian(models, tmp_path / "t", "unigram", **config)
    texts = TEXTS + MARKS + ["a <new> b>>fr<<c", "in the end", "<x> y <p>"]
    same_python(folder, texts)
    same_saved(folder, tmp_path, texts)


def test_marian_command(models, tmp_path):
    folder = marian(models, tmp_path / "t", "unigram")
    t = transformers.AutoTokenizer.from_pretrained(str(folder))
    texts = TEXTS + MARKS
    ids = [t(x)["input_ids"] for x in texts]
    assert hearth(str(folder), texts) == ids
    assert hearth(str(folder), ids, "--decode") == [t.decode(x) for x in ids]


@pytest.mark.parametrize("config", [{}, {"extra_ids": 4}, {"pad_token": "<p>", "extra_special_tokens": ["<new>"], "padding_side": "left"}])
def test_byt5(tmp_path, config):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "ByT5Tokenizer", **config}))
    (tmp_path / "t" / "config.json").write_text(json.dumps({"model_type": "byt5"}))
    texts = [x for x in TEXTS + MARKS if x] + ["a <new> b"] + few("byt5")
    same_python(tmp_path / "t", texts)
    same_saved(tmp_path / "t", tmp_path, texts)


SIGLIP = [({"vocab_size": 400}, {}), ({"vocab_size": 420, "remove_extra_whitespaces": False, "add_dummy_prefix": False}, {"model_max_length": 21}),
          ({"vocab_size": 500, "model_type": "bpe"}, {"do_lower_case": False, "legacy": False, "extra_special_tokens": ["<new>"]}), ({"vocab_size": 560, "byte_fallback": True}, {"pad_token": "<unk>", "padding_side": "left"}),
          ({"vocab_size": 400}, {"added_tokens_decoder": {"2": {"content": "</s>", "special": True, "lstrip": True, "rstrip": True, "normalized": False, "single_word": False}}})]


@pytest.mark.parametrize("row", range(len(SIGLIP)))
def test_siglip(models, tmp_path, row):
    options, config = SIGLIP[row]
    (tmp_path / "t").mkdir()
    shutil.copy(models(f"siglip{len(json.dumps(options))}", **options), tmp_path / "t" / "spiece.model")
    (tmp_path / "t" / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "SiglipTokenizer", **config}))
    (tmp_path / "t" / "config.json").write_text(json.dumps({"model_type": "siglip"}))
    texts = [x for x in TEXTS + MARKS if x] + ["ΟΔΟΣ ΑΣ Σ", "İI ǅ", "a <new> b", "A photo of a cat.", "it's -- (fine)!"] + few("siglip")
    same_python(tmp_path / "t", texts)
    same_saved(tmp_path / "t", tmp_path, texts)


EUROPE = {"src_lang": "de_DE", "tgt_lang": "ro_RO"}
FRENCH = {"src_lang": "fra_Latn", "tgt_lang": "deu_Latn"}


@pytest.mark.parametrize("name, kind, languages", [("NllbTokenizer", "spm_bpe", x) for x in ({}, FRENCH, {**FRENCH, "legacy_behaviour": True}, {"src_lang": "xx"})] +
                         [(name, "marian", x) for name in ("MBartTokenizer", "MBart50Tokenizer") for x in ({}, EUROPE, {"src_lang": "cs_CZ"})])
def test_languages(folders, tmp_path, name, kind, languages):  # noqa: F811
    folder = variant_of(folders(kind), tmp_path / "t", tokenizer_class=name, **languages)
    t = transformers.AutoTokenizer.from_pretrained(str(folder))
    source, target = ours(folder, [{"do": "call", "texts": TEXTS, "options": {"as_target": x}} for x in (False, True)])
    assert source == plain(dict(t(TEXTS))) and target == plain(dict(t(text_target=TEXTS)))


@pytest.mark.parametrize("broken, told", [("vocab.json", "vocab.json"), ("source.spm", "source.spm"), ("target.spm", "target.spm")])
def test_broken_marian(models, tmp_path, broken, told):
    folder = marian(models, tmp_path / "t", "unigram")
    for content in (None, b"", b"[1, 2]", b"\x0a\x03\x0a\x01a", os.urandom(200)):
        (folder / broken).unlink(missing_ok=True)
        if content is not None:
            (folder / broken).write_bytes(content)
        run = subprocess.run([DRIVER, str(folder)], capture_output=True)
        assert run.returncode == 1 and told in run.stderr.decode(errors="replace"), (content, run.stderr)
