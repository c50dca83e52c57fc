"""Nasty texts, and the comparison of `hearth tokenize` with a tokenizer of the Python package, exactly."""
import json
import os
import random
import subprocess

import tokenizers as tk

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HEARTH = os.environ.get("HEARTH_BIN", f"{ROOT}/build/bin/hearth")
BUILD = os.environ.get("HEARTH_BUILD", f"{ROOT}/build")

SENTENCES = """The quick brown fox jumps over the lazy dog. It's what they've said, I'll bet; WE'RE SURE, he'd say: don't!
def f(x: int) -> str:\n\treturn f"{x:>08b}"  # comment\n    if x != 0x7fff and y >= 1e-9: pass
Straße, naïve café, déjà vu; Ångström, İstanbul, Ελλάδα, Привет мир, Ђорђе, עברית, العربية الفصحى، हिन्दी में, ไทย, မြန်မာ
日本語のテキスト、漢字とカナ。中文字符测试，你好！한국어 텍스트 각각 ㌔ ﬀ ① ½ Ⅷ ٣٤٥ 1234567890 3.14159 1,000,000
👩‍👩‍👧‍👦 👍🏽 🇫🇷 🏴‍☠️ e\u0301 a\u0323\u0302 \u0344 \u212b \u1e9b\u0323 zero\u200bwidth \ufeffbom \u00a0nbsp \u3000ideographic \u2028line
\0nul \x01\x02\x1b[31mred\x1b[0m \x7f \x80 \x85 \r\n \r \n\n\n \t\t   trailing   \v\f <|im_start|>user\nhi<|im_end|> <|endoftext|><repo_name>
{"key": [1, 2, {"nested": "va\\"lue"}]} https://example.org/path?q=1&r=%20#frag user@mail.com ---- ==== .... !!!??? $$$ ``` ~~~
'ſ 'S 'LL 'Re 've'd'm 't's ''' don''t I'M o'clock""".split("\n")
POOL = list("".join(SENTENCES)) + ["'s", "'ll", " ", "  ", "\n", "\r\n", "\t", "<|im_start|>", "<|endoftext|>", "\U0001f600", "\u0301", "\U0010ffff"]


def lines(count, seed):
    r = random.Random(seed)
    out = list(SENTENCES) + ["", " ", "  ", "\n", "\0", "a" * 5000, " " * 3000, "ab" * 2000, "\n " * 500, "é" * 999, "漢字" * 700, "1" * 400, "-=" * 300, "'" * 99]
    while len(out) < count:
        kind = r.randrange(4)
        if kind == 0:
            out.append("".join(r.choice(POOL) for _ in range(r.randint(1, 60))))
        elif kind == 1:
            out.append(" ".join(r.choice(SENTENCES)[r.randint(0, 30):] for _ in range(r.randint(1, 4))))
        elif kind == 2:
            limit = r.choice([0x80, 0x250, 0x3000, 0x30000, 0x110000])
            points = [r.randrange(limit) for _ in range(r.randint(1, 40))]
            out.append("".join(chr(c) for c in points if not 0xD800 <= c <= 0xDFFF))
        else:
            out.append("".join(r.choice([" ", "\n", "\r", "\t", "a", "B", "9", ".", "'", "s", "é", "漢", "\u00a0"]) for _ in range(r.randint(1, 50))))
    return out


def hearth(path, rows, *options):
    if not rows:
        return []
    text = "".join(json.dumps(row) + "\n" for row in rows)
    run = subprocess.run([HEARTH, "tokenize", path, "--json", *options], input=text.encode(), capture_output=True)
    assert run.returncode == 0, run.stderr.decode()
    return [json.loads(row) for row in run.stdout.decode().rstrip("\n").split("\n")]


def same(path, reference, texts):
    """Ids with and without special tokens, and decoding at once and as a stream."""
    for special in (True, False):
        want = [reference.encode(t, add_special_tokens=special).ids for t in texts]
        got = hearth(path, texts, *([] if special else ["--no-special"]))
        for t, a, b in zip(texts, want, got, strict=True):
            assert a == b, f"{t!r}\n tokenizers {a}\n hearth     {b}"
    r = random.Random(7)
    size = max(want, key=len)
    ids = want + [[r.randrange(reference.get_vocab_size()) for _ in range(r.randint(1, 30))] for _ in range(300)] + [size]
    same_decoded(path, reference, ids)


def stream(reference, ids, skip):
    """What DecodeStream hands out for each id, and (None) where a later token changes what it has handed out before."""
    s, out = tk.decoders.DecodeStream(skip_special_tokens=skip), []
    try:
        for i in ids:
            out.append(s.step(reference, i) or "")
    except Exception as e:
        assert "Invalid prefix" in str(e), e
        return out, False
    return out, True


def same_decoded(path, reference, ids):
    for skip in (True, False):
        options = ["--decode"] + (["--no-special"] if skip else [])
        text = [reference.decode(i, skip_special_tokens=skip) for i in ids]
        for i, a, b in zip(ids, text, hearth(path, ids, *options), strict=True):
            assert a == b, f"{i}\n tokenizers {a!r}\n hearth     {b!r}"
        short = [i[:200] for i in ids]
        for i, parts in zip(short, hearth(path, short, *options, "--stream"), strict=True):
            want, complete = stream(reference, i, skip)
            assert parts[:len(want)] == want, f"{i}\n tokenizers {want!r}\n hearth     {parts!r}"
            if complete and isinstance(reference.decoder, (tk.decoders.ByteLevel, tk.decoders.Metaspace, tk.decoders.WordPiece)):
                assert "".join(parts) == reference.decode(i, skip_special_tokens=skip)


def whole(encoding):
    """Everything that an Encoding holds, as `hearth tokenize --json --offsets` writes it."""
    return {
        "ids": encoding.ids, "tokens": encoding.tokens, "offsets": [list(o) for o in encoding.offsets], "word_ids": encoding.word_ids,
        "sequence_ids": encoding.sequence_ids, "type_ids": encoding.type_ids, "attention_mask": encoding.attention_mask,
        "special_tokens_mask": encoding.special_tokens_mask, "overflowing": [whole(e) for e in encoding.overflowing],
    }


def first_difference(a, b):
    for key in a:
        if a[key] != b[key]:
            if key == "overflowing" and len(a[key]) == len(b[key]):
                return next((key, i, first_difference(x, y)) for i, (x, y) in enumerate(zip(a[key], b[key])) if x != y)
            return key, next(((i, x, y) for i, (x, y) in enumerate(zip(a[key], b[key])) if x != y), (len(a[key]), len(b[key])))


def same_whole(path, reference, texts, seed=0):
    """Tokens, offsets, word ids, type ids and masks: of single texts, pairs, words, and truncated with an overlap."""
    r = random.Random(seed)
    pairs = [(r.choice(texts), r.choice(texts)) for _ in range(len(texts) // 4)]
    words = [[w for w in t.split(" ") if w] for t in texts[: len(texts) // 4]]
    rows = list(texts) + [{"text": a, "pair": b} for a, b in pairs] + words
    for special in (True, False):
        want = [reference.encode(t, add_special_tokens=special) for t in texts] + [reference.encode(a, b, add_special_tokens=special) for a, b in pairs]
        want += [reference.encode(w, is_pretokenized=True, add_special_tokens=special) for w in words]
        got = hearth(path, rows, "--offsets", *([] if special else ["--no-special"]))
        for row, a, b in zip(rows, want, got, strict=True):
            assert whole(a) == b, f"{row!r}\n (tokenizers, hearth): {first_difference(whole(a), b)}"
    for strategy, side in (("longest_first", "right"), ("only_first", "left"), ("only_first", "right")):
        reference.enable_truncation(15, stride=2, strategy=strategy, direction=side)
        rows = [t for t in texts if len(t) < 400]
        options = ["--offsets", "--max-length", "15", "--stride", "2", "--truncation", strategy] + (["--truncate-left"] if side == "left" else [])
        for row, a, b in zip(rows, [reference.encode(t) for t in rows], hearth(path, rows, *options), strict=True):
            assert whole(a) == b, f"{row!r} cut {strategy} {side}\n (tokenizers, hearth): {first_difference(whole(a), b)}"
        if strategy == "longest_first":
            short = [(a, b) for a, b in pairs if len(a) + len(b) < 300]
            got = hearth(path, [{"text": a, "pair": b} for a, b in short], *options)
            for (x, y), b in zip(short, got, strict=True):
                a = reference.encode(x, y)
                assert whole(a) == b, f"{(x, y)!r} cut\n (tokenizers, hearth): {first_difference(whole(a), b)}"
        reference.no_truncation()
