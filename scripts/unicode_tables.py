#!/usr/bin/env python3
"""Writes src/base/unicode_tables.inc: what every code point is, for the tokenizers and the templates; and
src/tokenizers/pipeline/unicode_ranges.inc: what only two of the tokenizers' parts ask for.

The tables are not those of one Unicode version but those that the Python package `tokenizers` uses, asked of it class by
class over all code points: its regular expressions are at Unicode 16, its char methods at Rust's version, its
normalization and its punctuation at older ones. Upper and title case are Python's own (the templates' str.upper()).
How characters join to grapheme clusters comes from the package `regex`, without what is newer there than in the crate
unicode-segmentation inside the library (Unicode 17).

  .deps/python/bin/python scripts/unicode_tables.py [--check]

--check compares instead of writing and fails on a difference. Made with tokenizers 0.23.3, regex 2026.11.15 and Python 3.11.
"""
import os
import struct
import sys
import unicodedata

import regex
import tokenizers as tk

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.path.join(ROOT, "src/base/unicode_tables.inc")
OUT_RANGES = os.path.join(ROOT, "src/tokenizers/pipeline/unicode_ranges.inc")
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cs Cn".split()
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
BLOCK = 128
# Bits of a record, as base/unicode.h names them; the category is in bits 0 to 4, the combining class in 24 to 31.
LETTER, MARK, NUMBER, SPACE, WORD, NUMERIC, PUNCTUATION = (1 << b for b in range(5, 12))
MOVES = {"NFC": 1 << 12, "NFD": 1 << 13, "NFKC": 1 << 14, "NFKD": 1 << 15}
TOKEN_WORD, BERT_CONTROL, NONSPACING, ACCENT = (1 << b for b in range(16, 20))
# Of a grapheme property: what joins it to its neighbours, in bits 0 to 3; a pictograph, bit 4; its part in Indic
# conjuncts, bits 5 and 6. As pipeline/graphemes.cc names them.
GRAPHEME_BREAKS = "Other CR LF Control Extend ZWJ Regional_Indicator Prepend SpacingMark L V T LV LVT".split()
CONJUNCTS = "None Consonant Linker Extend".split()


def chunks(size=20000):
    for i in range(0, len(CODE_POINTS), size):
        yield CODE_POINTS[i:i + size]


def matched(pattern):
    """The code points that a one-character regular expression matches."""
    split = tk.pre_tokenizers.Split(tk.Regex(pattern), "removed", invert=True)
    return {ord(c) for chunk in chunks() for piece, _ in split.pre_tokenize_str("".join(map(chr, chunk))) for c in piece}


def isolated(pre_tokenizer):
    """The code points that become a piece of their own between two letters."""
    text = ("".join(f"a{chr(c)}a" for c in chunk) for chunk in chunks())
    return {ord(p) for t in text for p, _ in pre_tokenizer.pre_tokenize_str(t) if len(p) == 1 and p != "a"}


def token_word_characters():
    """The code points beside which an added token with single_word is no token."""
    tokenizer = tk.Tokenizer(tk.models.BPE())
    tokenizer.add_tokens([tk.AddedToken("<x>", single_word=True, normalized=False)])
    found = set()
    for chunk in chunks():
        encoding = tokenizer.encode("".join(f"{chr(c)}<x>\n" for c in chunk))
        alone = {start for start, _ in encoding.offsets}
        found |= {c for i, c in enumerate(chunk) if 5 * i + 1 not in alone}
    return found


def removed(normalizer):
    """The code points that a normalizer takes out behind a letter."""
    return {c for c in CODE_POINTS if normalizer.normalize_str(f"a{chr(c)}") == "a"}


def bert(**steps):
    off = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    return tk.normalizers.BertNormalizer(**(off | steps))


def scripts():
    """A number for each code point: equal ones are one script to the pre-tokenizer UnicodeScripts, 0 is any."""
    cut = tk.pre_tokenizers.UnicodeScripts().pre_tokenize_str
    samples, of = [], {}  # of samples one character of each script so far
    named = [c for c in CODE_POINTS if cut(chr(c))]  # a text of nothing but "any" has no pieces
    text = "".join(map(chr, named))
    for _, (begin, end) in cut(text):
        same = [i for i, sample in enumerate(samples) if len(cut(sample + text[begin])) == 1]
        if not same:
            samples.append(text[begin])
        of |= dict.fromkeys(named[begin:end], 1 + (same[0] if same else len(samples) - 1))
    return dict.fromkeys(CODE_POINTS, 0) | of


def joined():
    """The code points that the library counts to the cluster of a letter before them."""
    units = [0] * 256  # a map from "a" to "X", which makes "X" of the whole of a short cluster
    units[0], units[0x60], units[0x61] = 1 << 10, 1 << 10 | 1 << 8 | ord("a"), 1 << 31
    to_x = tk.normalizers.Precompiled(struct.pack("<257I", 1024, *units) + b"X\0").normalize_str
    return {c for c in CODE_POINTS if to_x(f"a{chr(c)}") == "X"}


def graphemes():
    of = dict.fromkeys(CODE_POINTS, 0)
    known = joined()
    text = "".join(chr(c) for c in CODE_POINTS if c in known or not regex.match(r"[\p{GCB=Extend}\p{GCB=SpacingMark}]", chr(c)))
    for i, name in enumerate(GRAPHEME_BREAKS):
        for c in regex.findall(r"\p{GCB=%s}" % name, text):
            of[ord(c)] |= i
    for c in regex.findall(r"\p{Extended_Pictographic}", text):
        of[ord(c)] |= 1 << 4
    for i, name in enumerate(CONJUNCTS):
        for c in regex.findall(r"\p{InCB=%s}" % name, text):
            of[ord(c)] |= i << 5
    return of


def ranges(name, of):
    """Where each range of equal values begins, and the values."""
    starts = [c for c in CODE_POINTS if c == 0 or of[c] != of.get(c - 1)]
    return rows(f"k{name}Starts", "char32_t", starts) + rows(f"k{name}Values", "uint8_t", [of[c] for c in starts])


def write(path, text):
    if "--check" not in sys.argv:
        open(path, "w").write(text)
    elif open(path).read() != text:
        sys.exit(f"{os.path.relpath(path, ROOT)} is not what the library says: run scripts/unicode_tables.py")


def combining_classes(nfd):
    """A mark has the class that Python gives it if the library's NFD moves it before a mark of a higher class."""
    classes = {}
    high = chr(0x0345)  # class 240, the highest of all
    low = chr(0x0334)  # class 1, the lowest
    for c in CODE_POINTS:
        k = unicodedata.combining(chr(c))
        if k and nfd(chr(c)) == chr(c):
            moved = nfd(high + chr(c)) == chr(c) + high if k < 240 else nfd(chr(c) + low) == low + chr(c)
            if moved:
                classes[c] = k
    return classes


def hangul(c):
    return 0xAC00 <= c <= 0xD7A3


def rows(name, kind, values, per_line=24):
    lines = [", ".join(map(str, values[i:i + per_line])) for i in range(0, len(values), per_line)]
    return f"constexpr {kind} {name}[] = {{\n" + ",\n".join(lines) + "};\n\n"


def mapping(name, table):
    """Sorted keys, the offset of each value, and the values one after another."""
    keys, offsets, values = sorted(table), [0], []
    for key in keys:
        values += table[key]
        offsets.append(len(values))
    return (rows(f"k{name}Keys", "char32_t", keys) + rows(f"k{name}Offsets", "uint16_t", offsets)
            + rows(f"k{name}Values", "char32_t", values))


def main():
    normal = {form: getattr(tk.normalizers, form)().normalize_str for form in MOVES}
    lower_of = tk.normalizers.Lowercase().normalize_str
    category = {c: len(CATEGORIES) - 1 for c in range(0x110000)}
    for i, name in enumerate(CATEGORIES[:-2]):
        for c in matched(r"\p{%s}" % name):
            category[c] = i
    for c in range(0xD800, 0xE000):
        category[c] = CATEGORIES.index("Cs")
    flags = {c: 0 for c in range(0x110000)}
    kinds = [(LETTER, matched(r"\p{L}")), (MARK, matched(r"\p{M}")), (NUMBER, matched(r"\p{N}")), (SPACE, matched(r"\s")),
             (WORD, matched(r"\w")), (NUMERIC, isolated(tk.pre_tokenizers.Digits(True))),
             (PUNCTUATION, isolated(tk.pre_tokenizers.Punctuation("isolated"))), (TOKEN_WORD, token_word_characters()),
             (BERT_CONTROL, removed(bert(clean_text=True))), (NONSPACING, removed(bert(strip_accents=True))),
             (ACCENT, removed(tk.normalizers.StripAccents()))]
    for bit, members in kinds:
        for c in members:
            flags[c] |= bit

    classes = combining_classes(normal["NFD"])
    decomposed = {k: {} for k in ("NFD", "NFKD")}
    composed = {}
    for c in CODE_POINTS:
        s = chr(c)
        if hangul(c):
            flags[c] |= MOVES["NFD"] | MOVES["NFKD"]
            continue
        for form in decomposed:
            if normal[form](s) != s:
                decomposed[form][c] = list(map(ord, normal[form](s)))
        for form, bit in MOVES.items():
            if normal[form](s) != s or c in classes:
                flags[c] |= bit
    for c in CODE_POINTS:  # a primary composite: Python knows its two parts, the library puts them together again
        parts = unicodedata.decomposition(chr(c)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            a, b = (int(p, 16) for p in parts)
            if normal["NFC"](chr(a) + chr(b)) == chr(c):
                composed[(a, b)] = c
                flags[b] |= MOVES["NFC"] | MOVES["NFKC"]  # the second part may join what is before it
    for c in list(range(0x1161, 0x1176)) + list(range(0x11A8, 0x11C3)):  # Hangul vowels and finals join too
        flags[c] |= MOVES["NFC"] | MOVES["NFKC"]
    decomposed["NFKD"] = {c: v for c, v in decomposed["NFKD"].items() if decomposed["NFD"].get(c) != v}

    record_of, indices = {}, []
    for c in range(0x110000):
        record = category[c] | flags[c] | classes.get(c, 0) << 24
        indices.append(record_of.setdefault(record, len(record_of)))
    assert len(record_of) <= 256, len(record_of)
    block_of, first, second = {}, [], []
    for i in range(0, 0x110000, BLOCK):
        block = tuple(indices[i:i + BLOCK])
        if block not in block_of:
            block_of[block] = len(block_of)
            second += block
        first.append(block_of[block])
    lower = {c: list(map(ord, lower_of(chr(c)))) for c in CODE_POINTS if lower_of(chr(c)) != chr(c)}
    upper = {c: list(map(ord, chr(c).upper())) for c in CODE_POINTS if chr(c).upper() != chr(c)}
    title = {c: list(map(ord, chr(c).title())) for c in CODE_POINTS if chr(c).title() != chr(c).upper()}
    pairs = sorted(composed)
    text = (f"// Written by scripts/unicode_tables.py (tokenizers {tk.__version__}, Python's Unicode {unicodedata.unidata_version}).\n"
            "// clang-format off\n\n"
            + rows("kRecords", "uint32_t", list(record_of)) + rows("kFirstStage", "uint16_t", first)
            + rows("kSecondStage", "uint8_t", second) + mapping("Lower", lower) + mapping("Upper", upper) + mapping("Title", title)
            + mapping("Canonical", decomposed["NFD"]) + mapping("Compatible", decomposed["NFKD"])
            + rows("kPairKeys", "uint64_t", [a << 21 | b for a, b in pairs])
            + rows("kPairValues", "char32_t", [composed[p] for p in pairs])).rstrip() + "\n"
    write(OUT, text)
    write(OUT_RANGES, f"// Written by scripts/unicode_tables.py (tokenizers {tk.__version__}, regex {regex.__version__}).\n// clang-format off\n\n"
          + (ranges("Script", scripts()) + ranges("Grapheme", graphemes())).rstrip() + "\n")
    print(f"{len(record_of)} records, {len(block_of)} blocks, {len(text)} bytes")


if __name__ == "__main__":
    main()
