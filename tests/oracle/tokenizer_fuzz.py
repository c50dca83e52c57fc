"""Random tokenizers, of every combination of parts that tokenizer.json can name, and random texts for them.

A tokenizer is made as JSON, of small parts that often meet: few letters, many tokens made of them.
"""
import base64
import struct

import tokenizers as tk

SCRIPTS = [
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "àéîõüçñßøæÅĐŁŞİıǅﬁſK", "абвгдеёжзийклЂѓҐѢ", "αβγδεζηάέΣςΩΆ", "אבגדהוזחטיךםןשׁ", "ابتثجحخدذرزسش٠١٢٣پی",
    "अआइकखगक्षत्रि्ीुू१२", "กขคงจฉชเแโำ้๊๑๒", "가각간갇갈힣ㄱㄴㅏ각", "日本語漢字中文豈﨑々", "あいうえおかがばぱアイウガパーｱﾞ", "কখগঘঙচ্ছৌ", "தமிழ்நாடு", "აბგდႠⴀ", "ԱԲԳաբգև", "မြန်မာသင်္ဘော",
]
SIGNS = list(" .,!?'\"-_()[]{}<>#@/\\|&%$*+=~`^:;0123456789") + ["\n", "\t", "\r\n", "\0", "\x01", "\x7f", "\x85", "\u00a0", "\u1680", "\u2003", "\u200b", "\u200c", "\u200d", "\u2028",
         "\u2581", "\u3000", "\ufeff", "\ufffd", "\u00ad", "①", "½", "Ⅷ", "㌔", "ﷺ", "…", "¿", "—", "「", "。"]
MARKS = ["\u0301", "\u0323", "\u0302", "\u0344", "\u0345", "\u05b0", "\u064b", "\u093c", "\u094d", "\u302e", "\u1d165", "\u20dd", "\ufe0f", "\u0e33", "\u0f71", "\u1161", "\u11a8"]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "👍🏽", "🇫🇷", "🇫", "🏴‍☠️", "❤️", "1️⃣", "🧑🏿‍🚀", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]
WORDS = ["the", "The", "hello", "n't", "don't", "it's", "a", "I", "ab", "<s>", "</s>", "[UNK]", "[MASK]", "<x>", "Tok en", "<unk>", "##ab", "do not", "<0x41>", "aa", "bab", "naïve", "Straße"]


def piece(r):
    k = r.randrange(12)
    if k < 3:
        return r.choice(WORDS) + (" " if r.random() < 0.6 else "")
    if k < 6:
        s = r.choice(SCRIPTS)
        return "".join(r.choice(s) for _ in range(r.randint(1, 7))) + (" " if r.random() < 0.4 else "")
    if k == 6:
        return r.choice(SIGNS) * r.choice([1, 1, 1, 2, 3])
    if k == 7:
        return r.choice("abeXé日") + "".join(r.choice(MARKS) for _ in range(r.randint(1, 3)))
    if k == 8:
        return r.choice(EMOJI)
    if k == 9:
        return r.choice(["a", "b", "ab", " ", "é", "aab"]) * r.randint(1, 12)
    if k == 10:
        return r.choice(MARKS)
    limit = r.choice([0x80, 0x800, 0x3000, 0x10000, 0x20000, 0x110000])
    c = r.randrange(limit)
    return chr(c) if not 0xD800 <= c <= 0xDFFF else "\ud7ff"


def text(r):
    return "".join(piece(r) for _ in range(r.choice([0, 1, 2, 5, 10, 30])))


def repeats(size=100_000):
    for part in ("a", " ", "ab", "é", "漢", "\u0301", "👩‍", "'", "1", "\n", "a ", "\0", "ﷺ", "<s>", "가"):
        yield part * (size // len(part))


def alphabet(r):
    letters = sorted(set("".join(text(r) for _ in range(6)))) or ["a"]
    return r.sample(letters, min(len(letters), r.randint(3, 40))) + ["a", "b", "e", " ", "\u2581"][: r.randint(0, 5)]


def tokens(r, letters, count, size=4):
    return ["".join(r.choice(letters) for _ in range(r.randint(1, size))) for _ in range(count)]


def vocabulary(r, texts):
    """Ids in any order, sometimes with gaps."""
    texts = list(dict.fromkeys(t for t in texts if t))
    ids = list(range(len(texts)))
    if r.random() < 0.2:
        ids = r.sample(range(len(texts) * 2), len(texts))
    r.shuffle(ids)
    return dict(zip(texts, ids))


BYTES = [f"<0x{b:02X}>" for b in range(256)]
BYTE_LETTERS = sorted(tk.pre_tokenizers.ByteLevel.alphabet())


def bpe(r, byte_level):
    prefix, suffix = r.choice(["", "", "##", "é"]), r.choice(["", "", "</w>", "é"])
    letters = BYTE_LETTERS if byte_level else alphabet(r)
    unk, byte_fallback = r.choice([None, "<unk>", "a"]), r.random() < 0.5
    forms = [f for c in letters for f in sorted({c, prefix + c, prefix + c + suffix, c + suffix}) if r.random() < 0.95]
    known, merges = list(forms), []
    for _ in range(r.randint(0, 200)):
        pool = known if r.random() < 0.7 else known[-20:]
        a, b = r.choice(pool), r.choice(pool)
        if byte_level and r.random() < 0.8:
            a, b = r.choice("abehtĠ"), prefix + r.choice("abehtn")
        if a in known and b in known and len(b) >= len(prefix) and len(a + b) < 40 and b.startswith(prefix) and not (suffix and a.endswith(suffix)):
            merges.append([a, b])
            known.append(a + b[len(prefix):])
    if r.random() < 0.4:
        known += BYTES if r.random() < 0.7 else BYTES[::2]
    if r.random() < 0.5:
        known += tokens(r, letters, 20) + WORDS
    if unk:
        known.append(unk)
    if r.random() < 0.5 and all(" " not in x for m in merges for x in m):
        merges = [" ".join(m) for m in merges]
    return {"type": "BPE", "dropout": None, "unk_token": unk, "continuing_subword_prefix": prefix or None, "end_of_word_suffix": suffix or None, "fuse_unk": r.random() < 0.5,
            "byte_fallback": byte_fallback, "ignore_merges": r.random() < 0.3, "vocab": vocabulary(r, known), "merges": merges}


def wordpiece(r, byte_level):
    prefix = r.choice(["##", "##", "", "é"])
    letters = BYTE_LETTERS if byte_level else alphabet(r)
    known = tokens(r, letters, 60) + [prefix + t for t in tokens(r, letters, 60)] + [x for c in letters for x in (c, prefix + c) if r.random() < 0.8]
    return {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": prefix, "max_input_chars_per_word": r.choice([100, 100, 5, 1, 0]),
            "vocab": vocabulary(r, known + WORDS)}


def wordlevel(r, byte_level):
    return {"type": "WordLevel", "unk_token": r.choice(["[UNK]", "a"]), "vocab": vocabulary(r, tokens(r, alphabet(r), 60, 3) + WORDS + list("abcdeé .,"))}


def unigram(r, byte_level):
    letters = BYTE_LETTERS if byte_level else alphabet(r)
    known = ["<unk>"] + tokens(r, letters, 100) + [c for c in letters if r.random() < 0.8] + WORDS + ["\u2581", "\u2581a", "ab"]
    if r.random() < 0.4:
        known += BYTES if r.random() < 0.7 else BYTES[::2]
    if r.random() < 0.8:
        known = list(dict.fromkeys(known))
    scores = [r.choice([0.0, -1.0, -2.0, -2.5, -r.random() * 15]) for _ in known]
    return {"type": "Unigram", "unk_id": r.choice([0, 0, 3]), "byte_fallback": r.random() < 0.5, "vocab": [[t, s] for t, s in zip(known, scores)]}


def charsmap(rules):
    """The map of a SentencePiece model: a double array (of darts-clone) and the texts behind it."""
    texts, at = b"", {}
    trie = {}
    for key, value in rules.items():
        if value not in at:
            at[value] = len(texts)
            texts += value.encode() + b"\0"
        node = trie
        for b in key.encode():
            node = node.setdefault(b, {})
        node[None] = at[value]
    units, used = [0], {0}

    def place(index, node):
        children = {0 if b is None else b: c for b, c in node.items()}
        base = next(o for o in range(1, 1 << 20) if all((index ^ o ^ b) not in used for b in children))
        units.extend([0] * ((index ^ base | 255) + 1 - len(units)))
        units[index] |= base << 10 | (1 << 8 if 0 in children else 0)
        used.update(index ^ base ^ b for b in children)
        for b, child in children.items():
            if b == 0:
                units[index ^ base] = 1 << 31 | child
            else:
                units[index ^ base ^ b] = b
                place(index ^ base ^ b, child)

    place(0, trie)
    blob = struct.pack(f"<{len(units)}I", *units)
    return base64.b64encode(struct.pack("<I", len(blob)) + blob + texts).decode()


def random_charsmap(r):
    keys = [r.choice([piece(r)[:2], r.choice("abAé日ﷺ½①"), r.choice("aeé") + r.choice(MARKS), r.choice(["\r", "\r\n", "\n", "\u00ad", " ", "\t", "e", "👍", "\u200d"])]) for _ in range(12)]
    return charsmap({k: r.choice(["", " ", "x", "ab", "é", "日本", k + "!"]) for k in keys if k and "\0" not in k})


def pattern(r):
    return r.choice([{"String": r.choice([" ", "a", "ab", "é", ".", "the", "\u2581"])}, {"Regex": r.choice([r"\s+", r"\s", r"[aeiou]+", r"\p{L}+", r"\d", r"\w+|[^\w\s]+", "(?=[A-Z])", "a|b", r"\p{P}"])}])


def normalizer(r):
    k = r.choice(["BertNormalizer", "BertNormalizer", "Strip", "StripAccents", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Nmt", "Precompiled", "Replace", "Prepend", "ByteLevel", "Sequence", "Sequence"])
    out = {"type": k}
    if k == "BertNormalizer":
        out |= {"clean_text": r.random() < 0.7, "handle_chinese_chars": r.random() < 0.7, "strip_accents": r.choice([None, True, False]), "lowercase": r.random() < 0.6}
    elif k == "Strip":
        out |= {"strip_left": r.random() < 0.5, "strip_right": r.random() < 0.5}
    elif k == "Precompiled":
        out["precompiled_charsmap"] = random_charsmap(r)
    elif k == "Replace":
        out |= {"pattern": pattern(r), "content": r.choice(["", " ", "\u2581", "xy", "é"])}
    elif k == "Prepend":
        out["prepend"] = r.choice(["\u2581", "ab", "é "])
    elif k == "Sequence":
        out["normalizers"] = [n for n in (normalizer(r) for _ in range(r.randint(0, 3)))]
    return out


BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


def pre_tokenizer(r):
    k = r.choice(["BertPreTokenizer", "BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Metaspace", "Metaspace", "Whitespace", "Split", "Punctuation", "WhitespaceSplit", "Digits",
                  "UnicodeScripts", "FixedLength", "Sequence", "Sequence"])
    out = {"type": k}
    if k == "ByteLevel":
        out |= {"add_prefix_space": r.random() < 0.5, "trim_offsets": True, "use_regex": r.random() < 0.6}
    elif k == "CharDelimiterSplit":
        out["delimiter"] = r.choice([" ", "a", "é", "\u2581"])
    elif k == "Metaspace":
        out |= {"replacement": r.choice(["\u2581", "\u2581", "_", "a"]), "prepend_scheme": r.choice(["always", "first", "never"]), "split": r.random() < 0.6}
    elif k == "Split":
        out |= {"pattern": pattern(r), "behavior": r.choice(BEHAVIORS), "invert": r.random() < 0.4}
    elif k == "Punctuation":
        out["behavior"] = r.choice(BEHAVIORS)
    elif k == "Digits":
        out["individual_digits"] = r.random() < 0.5
    elif k == "FixedLength":
        out["length"] = r.choice([1, 2, 5, 50])
    elif k == "Sequence":
        out["pretokenizers"] = [pre_tokenizer(r) for _ in range(r.randint(0, 3))]
    return out


def spells_bytes(part):
    return part is not None and (part["type"] == "ByteLevel" or any(spells_bytes(p) for p in part.get("pretokenizers", part.get("normalizers", []))))


def special(r, name):
    return {"SpecialToken": {"id": name, "type_id": r.randint(0, 2)}}


def sequence(r, name):
    return {"Sequence": {"id": name, "type_id": r.randint(0, 2)}}


def post_processor(r, id_of):
    k = r.choice(["BertProcessing", "RobertaProcessing", "ByteLevel", "TemplateProcessing", "TemplateProcessing", "Sequence"])
    out = {"type": k}
    cls, sep = (["<s>", id_of("<s>")], ["</s>", id_of("</s>")])
    if k in ("BertProcessing", "RobertaProcessing"):
        out |= {"sep": sep, "cls": cls}
    if k in ("RobertaProcessing", "ByteLevel"):
        out |= {"trim_offsets": r.random() < 0.6, "add_prefix_space": r.random() < 0.5}
    if k == "ByteLevel":
        out["use_regex"] = True
    if k == "TemplateProcessing":
        names = {n: {"id": n, "ids": [id_of(n)], "tokens": [n]} for n in ("<s>", "</s>")}
        names["two"] = {"id": "two", "ids": [id_of("<s>"), id_of("</s>")], "tokens": ["<s>", "</s>"]}
        around = lambda: [special(r, r.choice(list(names))) for _ in range(r.choice([0, 1, 1, 2]))]
        out |= {"single": around() + [sequence(r, "A")] + around(), "pair": around() + [sequence(r, "A")] + around() + [sequence(r, "B")] + around(), "special_tokens": names}
    if k == "Sequence":
        steps = [post_processor(r, id_of) for _ in range(r.randint(1, 2))]
        out["processors"] = [s for s in steps if s["type"] == "ByteLevel"] + [s for s in steps if s["type"] in ("TemplateProcessing",)][:1]
    return out


def decoder(r):
    k = r.choice(["BPEDecoder", "ByteLevel", "WordPiece", "Metaspace", "CTC", "Sequence", "Replace", "Fuse", "Strip", "ByteFallback"])
    out = {"type": k}
    if k == "BPEDecoder":
        out["suffix"] = r.choice(["</w>", "é", "a", ""])
    elif k == "ByteLevel":
        out |= {"add_prefix_space": True, "trim_offsets": True, "use_regex": True}
    elif k == "WordPiece":
        out |= {"prefix": r.choice(["##", "", "é"]), "cleanup": r.random() < 0.5}
    elif k == "Metaspace":
        out |= {"replacement": r.choice(["\u2581", "a"]), "prepend_scheme": r.choice(["always", "first", "never"]), "split": True}
    elif k == "CTC":
        out |= {"pad_token": r.choice(["<s>", "a", ""]), "word_delimiter_token": r.choice(["|", "\u2581", "b", ""]), "cleanup": r.random() < 0.5}
    elif k == "Replace":
        out |= {"pattern": pattern(r), "content": r.choice(["", " ", "é"])}
    elif k == "Strip":
        out |= {"content": r.choice([" ", "a"]), "start": r.choice([0, 1, 2]), "stop": r.choice([0, 0, 1])}
    elif k == "Sequence":
        out["decoders"] = [decoder(r) for _ in range(r.randint(0, 4))]
    return out


def added_tokens(r, vocab):
    flag = lambda: r.random() < 0.3
    names = ["<s>", "</s>"] + r.sample(["[MASK]", "<x>", "Tok en", "ab", "the", "The", "é", "naïve", " a", "a ", "👍", "日本", "Straße", "##ab", "aa", "aab"], r.randint(0, 6))
    return [{"id": i, "content": n, "single_word": flag(), "lstrip": flag(), "rstrip": flag(), "normalized": flag() if i < 2 else r.random() < 0.5, "special": i < 2 or flag()}
            for i, n in enumerate(names)]


def tokenizer(r):
    """A random tokenizer.json."""
    pre = pre_tokenizer(r) if r.random() < 0.85 else None
    norm = normalizer(r) if r.random() < 0.7 else None
    model = r.choice([bpe, bpe, wordpiece, wordlevel, unigram, unigram])(r, spells_bytes(pre) or spells_bytes(norm))
    vocab = model["vocab"]
    json = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added_tokens(r, vocab), "normalizer": norm, "pre_tokenizer": pre,
            "post_processor": None, "decoder": decoder(r) if r.random() < 0.85 else None, "model": model}
    if r.random() < 0.6:
        json["post_processor"] = post_processor(r, lambda name: next(i for i, t in enumerate(json["added_tokens"]) if t["content"] == name))
    return json
