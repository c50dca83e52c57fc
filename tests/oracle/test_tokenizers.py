"""Token ids and decoded text of `hearth tokenize` against the Python package `tokenizers`, exactly.

SmolLM2's own vocabulary (from its GGUF, put together again as its tokenizer.json has it), the oracle's byte-level kinds,
and every part that tokenizer.json can name and Hearth reads, on lines that are made to be nasty.
"""
import json
import os
import random
import subprocess
import sys

import pytest
import tokenizers as tk

from tokenizer_cases import BUILD, HEARTH, POOL, ROOT, SENTENCES, hearth, lines, same, same_whole

@pytest.fixture(scope="module")
def smollm2(smollm2):
    """The weight file, and its tokenizer as the original library builds it."""
    import gguf

    path = str(smollm2)
    fields = gguf.GGUFReader(path).fields
    get = lambda name: fields[f"tokenizer.ggml.{name}"].contents()
    tokens, types = get("tokens"), get("token_type")
    t = tk.Tokenizer(tk.models.BPE({x: i for i, x in enumerate(tokens)}, [tuple(m.split(" ")) for m in get("merges")]))
    t.pre_tokenizer = tk.pre_tokenizers.Sequence([tk.pre_tokenizers.Digits(True), tk.pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = tk.decoders.ByteLevel()
    t.add_special_tokens([tk.AddedToken(x, special=True, normalized=False) for x, kind in zip(tokens, types) if kind == 3])
    return path, t


def test_smollm2_from_gguf(smollm2):
    same(*smollm2, lines(3000, "smollm2"))


def test_smollm2_from_json(smollm2, tmp_path):
    smollm2[1].save(str(tmp_path / "tokenizer.json"))
    same(str(tmp_path / "tokenizer.json"), smollm2[1], lines(1000, "json"))
    same(str(tmp_path), smollm2[1], lines(100, "folder"))


def test_smollm2_megabytes(smollm2):
    path, t = smollm2
    r = random.Random("megabytes")
    texts = ["".join(r.choice(POOL) if r.random() < 0.3 else r.choice(SENTENCES) for _ in range(4000)) for _ in range(10)]
    assert hearth(path, texts) == [t.encode(x).ids for x in texts]


KINDS = ["roberta", "gpt2", "modernbert", "llama3", "qwen", "clip", "whisper", "spm_bpe", "spm_bpe_legacy", "gemma", "vlm", "wordpiece", "wordpiece_cased",
         "albert", "deberta2", "marian", "siglip", "t5"]


@pytest.fixture(scope="session")
def oracle():
    out = f"{BUILD}/oracle/tokenizers"
    script = f"{ROOT}/tests/oracle/make_checkpoints.py"
    if not os.path.exists(f"{out}/golden/tokenizers/gpt2.json"):
        subprocess.run([sys.executable, script, "--out", out, "--only", "tokenizers"], check=True, capture_output=True)
    return f"{out}/golden/tokenizers"


@pytest.mark.parametrize("kind", KINDS)
def test_oracle_kind(oracle, kind, tmp_path):
    with open(f"{oracle}/{kind}.json") as f:
        golden = json.load(f)
    path = str(tmp_path / "tokenizer.json")
    with open(path, "w") as f:
        json.dump(golden["tokenizer"], f, ensure_ascii=False)
    rows = golden["rows"]
    assert hearth(path, [r["text"] for r in rows]) == [r["ids"] for r in rows]
    assert hearth(path, [r["ids"] for r in rows], "--decode", "--no-special") == [r["decoded"] for r in rows]
    assert hearth(path, [r["ids"] for r in rows], "--decode") == [r["decoded_all"] for r in rows]
    same(path, tk.Tokenizer.from_file(path), lines(400, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_oracle_kind_offsets(oracle, kind, tmp_path):
    path = str(tmp_path / "tokenizer.json")
    with open(f"{oracle}/{kind}.json") as f, open(path, "w") as out:
        json.dump(json.load(f)["tokenizer"], out, ensure_ascii=False)
    same_whole(path, tk.Tokenizer.from_file(path), lines(160, kind + " offsets"))


P, N = tk.pre_tokenizers, tk.normalizers
R = tk.Regex
BL = P.ByteLevel(add_prefix_space=False, use_regex=False)
PARTS = {
    "prefix space": (None, P.ByteLevel(add_prefix_space=True)),
    "digits in runs": (None, P.Sequence([P.Digits(False), P.ByteLevel(add_prefix_space=False)])),
    "whitespace": (None, P.Sequence([P.Whitespace(), BL])),
    "whitespace split": (None, P.Sequence([P.WhitespaceSplit(), BL])),
    "delimiter": (None, P.Sequence([P.CharDelimiterSplit("e"), BL])),
    "letters and marks": (None, P.Sequence([P.Split(R(r"\p{L}+|\p{M}+|\p{N}|\w"), "isolated"), BL])),
    "starcoder regex": (None, P.Sequence([P.Split(R(r"\p{N}"), "isolated"), P.ByteLevel(add_prefix_space=False)])),
    "qwen35": (None, P.Sequence([P.Split(R(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), "isolated"), BL])),
    "nfd": (N.NFD(), P.ByteLevel()), "nfkc": (N.NFKC(), P.ByteLevel()), "nfkd": (N.NFKD(), P.ByteLevel()),
    "lowercase": (N.Sequence([N.NFC(), N.Lowercase()]), P.ByteLevel()),
    "strip": (N.Strip(), P.ByteLevel(add_prefix_space=False)), "strip left": (N.Strip(left=True, right=False), P.ByteLevel()),
    "strip right": (N.Strip(left=False, right=True), P.ByteLevel()),
    "replace": (N.Sequence([N.Replace(R(r"\s{2,}"), " "), N.Replace("e", "\u0301x"), N.Prepend(">")]), P.ByteLevel()),
    **{f"punctuation {b}": (None, P.Sequence([P.Punctuation(b), BL])) for b in ("isolated", "removed", "contiguous", "merged_with_previous", "merged_with_next")},
    **{f"split {b} {i}": (None, P.Sequence([P.Split(R(r"\s+|o"), b, invert=i), BL]))
       for b in ("isolated", "removed", "contiguous", "merged_with_previous", "merged_with_next") for i in (False, True)},
}


@pytest.mark.parametrize("name", PARTS)
def test_part(smollm2, tmp_path, name):
    t = tk.Tokenizer.from_str(smollm2[1].to_str())
    if PARTS[name][0] is not None:
        t.normalizer = PARTS[name][0]
    t.pre_tokenizer = PARTS[name][1]
    t.add_tokens([tk.AddedToken("fox", normalized=True), tk.AddedToken("quick", single_word=True, lstrip=True), tk.AddedToken("Stra", rstrip=True, normalized=False),
                  tk.AddedToken("straße", single_word=True), tk.AddedToken("hi", lstrip=True, rstrip=True)])
    path = str(tmp_path / "tokenizer.json")
    t.save(path)
    t = tk.Tokenizer.from_file(path)
    texts = lines(300, name)
    assert hearth(path, texts) == [t.encode(x).ids for x in texts]


def test_code_points(smollm2):
    # Every assigned block below the second plane, and beyond it, where ranges are long, every 37th.
    points = [chr(c) for c in [*range(0x20000), *range(0x20000, 0x110000, 37)] if not 0xD800 <= c <= 0xDFFF]
    texts = ["".join(f"a{c} {c}1{c}{c}'s" for c in points[i:i + 500]) for i in range(0, len(points), 500)]
    assert hearth(smollm2[0], texts) == [smollm2[1].encode(x).ids for x in texts]


def test_invalid_utf8_is_refused(smollm2):
    for bad in (b"ab\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
        run = subprocess.run([HEARTH, "tokenize", smollm2[0]], input=bad, capture_output=True)
        assert run.returncode != 0 and b"UTF-8" in run.stderr


BASE = {"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}
BAD = {
    "negative id": ({"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}, "model.vocab: the id of 'a' is negative"),
    "id given twice": ({"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}}, "model.vocab: the id 0 is given to"),
    "absurd id": ({"model": {"type": "BPE", "vocab": {"a": 4000000000}, "merges": []}}, "far beyond"),
    "merge outside": ({"model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}}, "merges[0] ('a' 'b'): 'ab' is not in"),
    "merge of three": ({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a a a"]}}, "model.merges[0]"),
    "unknown model": ({"model": {"type": "Foo"}}, "model: type 'Foo' is not known"),
    "unknown step": ({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Bar"}]}}, "pre_tokenizer.pretokenizers[0]: type 'Bar' is not known"),
    "wrong type": ({"pre_tokenizer": {"type": "Digits", "individual_digits": "yes"}}, "pre_tokenizer.individual_digits: must be true or false"),
    "bad regex": ({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"}}, "pre_tokenizer.pattern"),
    "dropout": ({"model": {"type": "BPE", "dropout": 0.1, "vocab": {}, "merges": []}}, "model.dropout"),
    "template": ({"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}], "pair": [], "special_tokens": {}}},
                 "post_processor.single[0].SpecialToken.id: '<s>'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file(tmp_path, name):
    change, message = BAD[name]
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(BASE | change))
    run = subprocess.run([HEARTH, "tokenize", str(path), "x"], capture_output=True, text=True)
    assert run.returncode != 0 and message in run.stderr, run.stderr
