"""Every part of tokenizer.json, whole against the Python package `tokenizers`: ids, tokens, offsets, decoding and streams.

Random tokenizers of every combination of parts, with random Unicode (tokenizer_fuzz.py); every code point through each part
that looks at code points; very long texts; files that are broken. HEARTH_TOKENIZER_FUZZ_MB=100 makes as many megabytes of
random text instead of a tenth of one (`make test-tokenizers-long`).
"""
import json
import os
import random
import subprocess
import time

import pytest
import tokenizers as tk

import tokenizer_fuzz as fuzz
from tokenizer_cases import HEARTH, hearth, same, same_decoded, same_whole, whole

LONG_MB = float(os.environ.get("HEARTH_TOKENIZER_FUZZ_MB", "0.1"))


def save(tmp_path, config):
    path = str(tmp_path / "tokenizer.json")
    with open(path, "w") as f:
        json.dump(config, f, ensure_ascii=False)
    return path


def encodable(reference, texts):
    """Those that the original encodes: some configurations have no unknown token, some make it panic."""
    out = []
    for t in texts:
        try:
            reference.encode(t, t)
            out.append(t)
        except BaseException as e:  # pyo3's PanicException is no Exception
            if isinstance(e, KeyboardInterrupt):
                raise
    return out


def has_no_answer(reference, config):
    """The original's search goes in circles where the normalizer leaves nothing of an added token, beside one of several
    bytes; and of two that it spells the same, which one is found changes from run to run."""
    if reference.normalizer is None:
        return False
    spelt = [reference.normalizer.normalize_str(t["content"]) for t in config["added_tokens"] if t["normalized"]]
    return len(set(spelt)) < len(spelt) or "" in spelt and any(len(t.encode()) > 1 for t in spelt)


def compare(tmp_path, seed, texts_of):
    """One random tokenizer; the number of bytes that it was compared over, 0 when the original refuses or panics."""
    r = random.Random(seed)
    config = fuzz.tokenizer(r)
    try:
        reference = tk.Tokenizer.from_str(json.dumps(config))
        if has_no_answer(reference, config):
            return 0
        texts = encodable(reference, texts_of(r))
        if len(texts) < 8:
            return 0
        path = save(tmp_path, config)
        same_whole(path, reference, texts, seed)
        same(path, reference, texts)
    except AssertionError:
        raise
    except BaseException as e:
        assert type(e).__name__ in ("PanicException", "Exception"), repr(e)
        return 0
    return sum(len(t.encode()) for t in texts)


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_random_tokenizers(tmp_path, first):
    compared = [compare(tmp_path, seed, lambda r: [fuzz.text(r) for _ in range(24)]) for seed in range(first, first + 20)]
    assert sum(n > 0 for n in compared) >= 10


def test_scores_are_read_as_serde_json_reads_them(tmp_path):
    """Cuts with equal sums of scores are told apart by the last bit, which serde_json does not always get right."""
    r = random.Random(5)
    for _ in range(40):
        pieces = ["<unk>", "a", "b", "aa", "ab", "ba", "bab", "aab", "aaa"]
        vocab = [[piece, -round(r.random() * 12, r.choice([3, 9, 17]))] for piece in pieces]
        model = {"type": "Unigram", "unk_id": 0, "vocab": vocab, "byte_fallback": False}
        path = save(tmp_path, {"version": "1.0", "added_tokens": [], "model": model})
        same_whole(path, tk.Tokenizer.from_file(path), ["a" * 301, "ab" * 200, "aab" * 99, "".join(r.choice("ab") for _ in range(500))])


def test_decoding_skips_what_is_spelt_as_a_special_token(tmp_path):
    """A piece that stands twice in a Unigram vocabulary: the added token has one of its ids, both are left out."""
    vocab = [["<unk>", 0.0], ["a", -1.0], ["b", -2.0], ["a", -3.0], ["b", -4.0], ["b", -5.0]]
    for special in (True, False):
        added = [{"id": 9, "content": "a", "special": special, "normalized": False, "single_word": False, "lstrip": False, "rstrip": False}]
        path = save(tmp_path, good(model={"type": "Unigram", "unk_id": 0, "vocab": vocab}, added_tokens=added))
        same_decoded(path, tk.Tokenizer.from_file(path), [[0, 1, 2, 3, 4, 5], [3], [1], [4, 3, 4]])


def test_metaspace_first_on_pieces_of_the_first_character(tmp_path):
    """What spells the bytes of the first character, and what was put before it, all begins where the text begins."""
    for first in ({"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}, {"type": "FixedLength", "length": 1}):
        steps = [first, {"type": "FixedLength", "length": 1}, {"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": False}]
        model = {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0, "_\u0120": 1, "_\u0109": 2, "_\u00e1": 3, "_t": 4, "t": 5, "_\u1680": 6}}
        for normalizer in (None, {"type": "Strip", "strip_left": True, "strip_right": True}, {"type": "NFD"}, {"type": "Prepend", "prepend": "t"}):
            path = save(tmp_path, good(model=model, normalizer=normalizer, pre_tokenizer={"type": "Sequence", "pretokenizers": steps}))
            t = tk.Tokenizer.from_file(path)
            texts = ["\ttt", "\u1680t", "t t", " t", "\u00e9t", "tt", "at"]
            same(path, t, texts)
            same_whole(path, t, texts * 4)


@pytest.mark.parametrize("flags", [{}, {"lstrip": True}, {"rstrip": True}, {"lstrip": True, "rstrip": True}, {"single_word": True}, {"special": True}])
def test_added_token_that_the_normalizer_leaves_nothing_of(tmp_path, flags):
    """It cuts the text everywhere, and takes the white space if told to."""
    off = {"special": False, "normalized": True, "single_word": False, "lstrip": False, "rstrip": False}
    for others in ([], ["b"]):
        added = [{"id": i + 2, "content": c} | off | (flags if c == "Q" else {}) for i, c in enumerate(["Q", *others])]
        path = save(tmp_path, good(normalizer={"type": "Replace", "pattern": {"String": "Q"}, "content": ""}, added_tokens=added))
        same_whole(path, tk.Tokenizer.from_file(path), ["a b  c", "bab", "abba", "  ", " Q ", " b ", "b  b", ""] * 3)


@pytest.mark.parametrize("pattern", [r"\w+|[^\w\s]+", r"\w", r"\W", r"[\w]", r"[^\w]", r"[\W]", r"\d", r"\D", r"[\d]", r"[^\d]"])
def test_escaped_classes_of_regular_expressions(tmp_path, pattern):
    """Code points between two of another kind."""
    model = {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    path = save(tmp_path, {"version": "1.0", "added_tokens": [], "pre_tokenizer": split, "model": model})
    text = "".join(f"a{chr(c)}!{chr(c)} " for c in [*range(0x3000), *range(0x10000, 0x12000), *LETTERS[0x3000::97]])
    got = hearth(path, [text], "--offsets")[0]
    assert tk.Tokenizer.from_file(path).encode(text).offsets == [tuple(o) for o in got["offsets"]]


def test_random_tokenizers_long(tmp_path):
    """Goes on after a difference, up to 20 of them, so that one night tells all."""
    done, seed, differ, start = 0, int(os.environ.get("HEARTH_TOKENIZER_FUZZ_SEED", "1000")), [], time.time()
    while done < LONG_MB * 1e6 and len(differ) < 20:
        try:
            done += compare(tmp_path, seed, lambda r: ["".join(fuzz.text(r) for _ in range(20)) for _ in range(60)])
        except AssertionError as e:
            differ.append(f"seed {seed}: {e}"[:3000])
        seed += 1
    print(f"{done} bytes, seeds up to {seed}, {time.time() - start:.0f} s")
    assert not differ, "\n\n".join(differ)


def same_places(reference, text, got):
    want = reference.encode(text)
    rows = list(zip(want.ids, want.offsets)), [(i, tuple(o)) for i, o in zip(got["ids"], got["offsets"])]
    at = next((i for i, (a, b) in enumerate(zip(*rows)) if a != b), None)
    assert rows[0] == rows[1], f"at {at} (tokenizers, hearth): {rows[0][at]} {rows[1][at]}: {ascii(text[rows[0][at][1][0] - 3:][:8])}"


LETTERS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
BERT = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
P, N = tk.pre_tokenizers, tk.normalizers
CODE_POINT_PARTS = {
    "bert": (N.BertNormalizer(), P.BertPreTokenizer()), "bert clean": (N.BertNormalizer(**BERT | {"clean_text": True}), None),
    "bert accents": (N.BertNormalizer(**BERT | {"strip_accents": True}), None), "bert chinese": (N.BertNormalizer(**BERT | {"handle_chinese_chars": True}), None),
    "bert cased": (N.BertNormalizer(lowercase=False), P.BertPreTokenizer()), "accents": (N.StripAccents(), None), "nmt": (N.Nmt(), None), "lowercase": (N.Lowercase(), None),
    "nfkd accents": (N.Sequence([N.NFKD(), N.StripAccents()]), None), "strip": (N.Strip(), None), "bytes": (N.ByteLevel(), None), "scripts": (None, P.UnicodeScripts()),
    "whitespace": (None, P.Whitespace()), "whitespace split": (None, P.WhitespaceSplit()), "digits": (None, P.Digits(True)), "punctuation": (None, P.Punctuation()),
}




@pytest.mark.parametrize("name", CODE_POINT_PARTS)
def test_code_points(tmp_path, name):
    normalizer, pre_tokenizer = CODE_POINT_PARTS[name]
    t = tk.Tokenizer.from_str(json.dumps({"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
                                          "model": {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0}}}))
    if normalizer:
        t.normalizer = normalizer
    if pre_tokenizer:
        t.pre_tokenizer = pre_tokenizer
    # Each piece is an unknown token; a normalizer's text is seen by cutting it into characters.
    else:
        t.pre_tokenizer = P.FixedLength(1)
    config = json.loads(t.to_str())
    points = [c for c in LETTERS if c < 0x3100 or c % 7 == 0 and c < 0x20000 or c % 41 == 0 or 0xE0000 <= c < 0xE0200]
    kept = sorted(set(normalizer.normalize_str("".join(map(chr, points))) if normalizer else map(chr, points)))
    if pre_tokenizer is None:
        config["model"]["vocab"] |= {c: i + 1 for i, c in enumerate(c for c in kept if c != "a")}
    path = save(tmp_path, config)
    t = tk.Tokenizer.from_file(path)
    texts = ["".join(f"{chr(c)}a{chr(c)} e{chr(c)}" for c in points[i:i + 400]) for i in range(0, len(points), 400)]
    for text, got in zip(texts, hearth(path, texts, "--offsets"), strict=True):
        same_places(t, text, got)
    assert hearth(path, texts) == [t.encode(x).ids for x in texts]  # the way without places


def test_grapheme_clusters(tmp_path):
    """Which characters join: a map that turns "a" into "b" turns the whole of a short cluster with it."""
    for key in ("a", "\u0e01", "\u1100", "\uac00", "\u1f1e6", "©"):
        config = {"version": "1.0", "added_tokens": [], "normalizer": {"type": "Precompiled", "precompiled_charsmap": fuzz.charsmap({key: "X"})},
                  "pre_tokenizer": {"type": "FixedLength", "length": 1}, "post_processor": None, "decoder": None,
                  "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "X": 1}}}
        path = save(tmp_path, config)
        t = tk.Tokenizer.from_file(path)
        points = [c for c in LETTERS if c < 0x3100 or 0xA000 <= c < 0xAC80 or 0xFB00 <= c < 0x12000 or 0x1D100 <= c < 0x1D280 or 0x1F000 <= c < 0x1FB00]
        texts = ["".join(f"{key}{chr(c)}\n{chr(c)}{key}\n" for c in points[i:i + 400]) for i in range(0, len(points), 400)]
        for text, got in zip(texts, hearth(path, texts, "--offsets"), strict=True):
            same_places(t, text, got)


def test_very_long_words(tmp_path):
    r = random.Random("long")
    for make, normalizer, pre in ((fuzz.wordpiece, {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}, {"type": "BertPreTokenizer"}),
                                  (fuzz.unigram, {"type": "Precompiled", "precompiled_charsmap": fuzz.random_charsmap(r)}, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}),
                                  (fuzz.bpe, {"type": "NFKC"}, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False})):
        config = {"version": "1.0", "added_tokens": fuzz.added_tokens(r, {}), "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": None, "decoder": None, "model": make(r, False)}
        path = save(tmp_path, config)
        t = tk.Tokenizer.from_file(path)
        texts = list(fuzz.repeats(20_000 if make is not fuzz.bpe else 100_000))
        for text, ids in zip(texts, hearth(path, texts), strict=True):
            assert t.encode(text).ids == ids, text[:20]


OLD = {
    "WordPiece": {"unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {"[UNK]": 0, "a": 1, "##b": 2}},
    "WordLevel": {"unk_token": "[UNK]", "vocab": {"[UNK]": 0, "a": 1, "b": 2}},
    "Unigram": {"unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0], ["b", -2.0], ["ab", -2.5]]},
    "BPE": {"vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]},
}


@pytest.mark.parametrize("name", OLD)
def test_model_without_type(tmp_path, name):
    config = {"version": "1.0", "added_tokens": [], "normalizer": {"strip_left": True, "strip_right": False}, "pre_tokenizer": {"type": "WhitespaceSplit"},
              "post_processor": {"sep": ["b", 1], "cls": ["a", 0]}, "decoder": {"prefix": "##", "cleanup": True}, "model": OLD[name]}
    path = save(tmp_path, config)
    t = tk.Tokenizer.from_file(path)
    same_whole(path, t, ["ab a b", " a", "b b", "", "a", "ab", "ba", "aab"] * 3)
    same(path, t, ["ab a b", "a"])


def good(**parts):
    return {"version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None, "model": {"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0}}} | parts


def unigram(**fields):
    return good(model={"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]]} | fields)


def wordpiece(**fields):
    return good(model={"type": "WordPiece", "unk_token": "a", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {"a": 0}} | fields)


BAD = {
    "no unk_token": (good(model={"type": "WordLevel", "vocab": {}}), "model.unk_token: must be a string"),
    "no vocab": (good(model={"type": "WordLevel", "unk_token": "a"}), "model.vocab: must be an object"),
    "word level id twice": (good(model={"type": "WordLevel", "unk_token": "a", "vocab": {"a": 3, "b": 3}}), "model.vocab: the id 3 is given to"),
    "word piece negative id": (wordpiece(vocab={"a": -2}), "model.vocab: the id of 'a' is negative"),
    "word piece absurd id": (wordpiece(vocab={"a": 1 << 40}), "far beyond"),
    "word piece id of a wrong type": (wordpiece(vocab={"a": "0"}), "model.vocab: the id of 'a' must be a whole number"),
    "word piece without prefix": (wordpiece(continuing_subword_prefix=None), "model.continuing_subword_prefix: must be a string"),
    "word piece absurd length": (wordpiece(max_input_chars_per_word=-1), "model.max_input_chars_per_word: -1 is outside"),
    "unigram vocabulary of a wrong type": (unigram(vocab={"a": 0}), "model.vocab: must be an array"),
    "unigram piece without score": (unigram(vocab=[["<unk>", 0.0], ["a"]]), "model.vocab[1]: must be"),
    "unigram score of a wrong type": (unigram(vocab=[["<unk>", "0"]]), "model.vocab[0]: must be"),
    "unigram unk_id outside": (unigram(unk_id=7), "model.unk_id: 7 is not among the 1 tokens"),
    "unigram unk_id negative": (unigram(unk_id=-1), "model.unk_id: -1 is outside"),
    "unigram byte_fallback": (unigram(byte_fallback="yes"), "model.byte_fallback: must be true or false"),
    "charsmap not base64": (good(normalizer={"type": "Precompiled", "precompiled_charsmap": "!"}), "normalizer.precompiled_charsmap: must be base64"),
    "charsmap cut": (good(normalizer={"type": "Precompiled", "precompiled_charsmap": "//8AAA=="}), "normalizer.precompiled_charsmap: the map begins with the size of its array, 65535 of 4 bytes"),
    "no charsmap": (good(normalizer={"type": "Precompiled"}), "normalizer.precompiled_charsmap: must be a string"),
    "length of no characters": (good(pre_tokenizer={"type": "FixedLength", "length": 0}), "pre_tokenizer.length: 0 is outside"),
    "deep": (good(normalizer=json.loads('{"type":"Sequence","normalizers":[' * 40 + "]}" * 40)), "nest deeper than 32"),
    "ctc": (good(decoder={"type": "CTC", "pad_token": 3}), "decoder.pad_token: must be a string"),
    "decoder of a wrong type": (good(decoder=[]), "decoder: must be an object"),
    "no type": (good(decoder={"foo": 1}), "decoder.type: must be a string"),
    "template with an unequal list": (good(post_processor={"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "a", "type_id": 0}}], "pair": [], "special_tokens": {"a": {"id": "a", "ids": [0], "tokens": []}}}),
                                      "post_processor.special_tokens.a: has as many ids as tokens"),
}


@pytest.mark.parametrize("name", BAD)
def test_broken_file(tmp_path, name):
    config, message = BAD[name]
    run = subprocess.run(["bash", "-c", f'ulimit -v 4000000; exec "{HEARTH}" tokenize "{save(tmp_path, config)}" x'], capture_output=True, text=True)
    assert run.returncode != 0 and message in run.stderr, run.stderr


def test_unknown_without_a_token(tmp_path):
    for config in (good(model={"type": "WordLevel", "unk_token": "[UNK]", "vocab": {"a": 0}}), wordpiece(unk_token="[UNK]"), unigram(unk_id=None)):
        path = save(tmp_path, config)
        run = subprocess.run([HEARTH, "tokenize", path, "x"], capture_output=True, text=True)
        assert run.returncode != 0 and "model.unk_" in run.stderr, run.stderr
