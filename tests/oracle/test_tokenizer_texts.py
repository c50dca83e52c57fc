"""Unseen text through real vocabularies and ones trained here: everything an Encoding holds, against the package `tokenizers`.

The text is code and prose of the installed packages, words of 16 scripts, emoji sequences, control characters, NUL, lone
marks, and runs of 100,000 equal characters. HEARTH_TOKENIZER_TEXT_MB=20 makes as much of it for every vocabulary instead of
a twentieth of one, and takes all of the real ones (`make test-tokenizers-long`).
"""
import functools
import os
import pathlib
import random
import sysconfig

import pytest
import tokenizers as tk

import fetch_llama_data
import tokenizer_fuzz as fuzz
from tokenizer_cases import first_difference, hearth, whole

TEXT_MB = float(os.environ.get("HEARTH_TOKENIZER_TEXT_MB", "0.05"))
M, N, P, D = tk.models, tk.normalizers, tk.pre_tokenizers, tk.decoders


@functools.lru_cache(maxsize=None)
def sources(part):
    """One in 50 of the packages' files, the part-th and so on."""
    packages = pathlib.Path(sysconfig.get_paths()["purelib"])
    files = sorted(p for p in packages.rglob("*") if p.suffix in (".py", ".md", ".rst", ".txt", ".h", ".json"))[part::50]
    return "".join(p.read_text("utf-8", errors="ignore")[:100_000] for p in files if p.stat().st_size < 2_000_000)


def words(r, size):
    """Words of one script, some of them often, with its signs between."""
    letters = r.choice(fuzz.SCRIPTS)
    known = ["".join(r.choice(letters) for _ in range(r.randint(1, 9))) for _ in range(300)]
    out, total = [], 0
    while total < size:
        out.append(known[min(int(r.expovariate(0.02)), 299)] + r.choice([" ", " ", " ", ", ", ". ", "\n", "。", ""]))
        total += len(out[-1])
    return "".join(out)


def unseen(part, megabytes):
    """Documents of some thousand characters."""
    r, total = random.Random(f"unseen {part}"), 0
    code = sources(0)
    runs = list(fuzz.repeats(100_000 if megabytes >= 10 else 3_000))
    while total < megabytes * 1e6 or runs:
        kind = r.randrange(8)
        if kind < 4:
            at = r.randrange(len(code))
            text = code[at:at + 8000]
        elif kind < 6:
            text = words(r, 3000)
        elif kind == 6 or not runs:
            text = "".join(fuzz.text(r) for _ in range(60))
        else:
            text = runs.pop()
        total += len(text.encode())
        yield text


def compare(tmp_path, tokenizer, part):
    path = str(tmp_path / "tokenizer.json")
    tokenizer.save(path)
    tokenizer = tk.Tokenizer.from_file(path)
    batch, size = [], 0

    def check():
        for text, want, got in zip(batch, tokenizer.encode_batch(batch), hearth(path, batch, "--offsets"), strict=True):
            want = whole(want)
            assert want == got, f"{text[:200]!r}\n (tokenizers, hearth): {first_difference(want, got)}"

    for text in unseen(part, TEXT_MB):
        batch.append(text)
        size += len(text)
        if size > 1_000_000:
            check()
            batch, size = [], 0
    check()


@functools.lru_cache(maxsize=1)
def gguf(name):
    """The value of a key of a vocabulary's file."""
    from gguf import GGUFReader

    fields = GGUFReader(os.path.join(fetch_llama_data.fetch(), f"ggml-vocab-{name}.gguf")).fields
    return lambda key: fields[f"tokenizer.ggml.{key}"].contents() if f"tokenizer.ggml.{key}" in fields else None


def split(pattern):
    return P.Sequence([P.Split(tk.Regex(pattern), "isolated"), P.ByteLevel(add_prefix_space=False, use_regex=False)])


LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BYTE_LEVEL = {
    "llama-bpe": lambda: split(LLAMA3), "qwen2": lambda: split(LLAMA3.replace("{1,3}", "")), "gpt-2": lambda: P.ByteLevel(add_prefix_space=False),
    "gpt-neox": lambda: P.ByteLevel(add_prefix_space=False), "mpt": lambda: P.ByteLevel(add_prefix_space=False), "aquila": lambda: P.ByteLevel(add_prefix_space=False),
    "starcoder": lambda: P.Sequence([P.Digits(True), P.ByteLevel(add_prefix_space=False)]),
    "refact": lambda: P.Sequence([P.Digits(True), P.ByteLevel(add_prefix_space=False)]),
    "command-r": lambda: P.Sequence([P.Digits(True), P.ByteLevel(add_prefix_space=False)]),
    "falcon": lambda: P.Sequence([P.Punctuation("contiguous"), P.ByteLevel(add_prefix_space=False), P.Digits(False), P.Split(tk.Regex(r"[0-9][0-9][0-9]"), "isolated")]),
    "deepseek-llm": lambda: P.Sequence([P.Split(tk.Regex(r"[\r\n]"), "isolated"), P.Split(tk.Regex(r"\s?\p{L}+"), "isolated"), P.Split(tk.Regex(r"\s?\p{P}+"), "isolated"),
                                        P.Split(tk.Regex(r"[一-龥ࠀ-一가-퟿]+"), "isolated"), P.Digits(True), P.ByteLevel(add_prefix_space=False, use_regex=False)]),
}


@pytest.mark.parametrize("name", BYTE_LEVEL if TEXT_MB >= 1 else ["gpt-2", "starcoder"])
def test_real_byte_level(tmp_path, name):
    value = gguf(name)
    tokens, kinds = value("tokens"), value("token_type")
    t = tk.Tokenizer(M.BPE({x: i for i, x in enumerate(tokens)}, [tuple(m.split(" ")) for m in value("merges")], ignore_merges=name == "llama-bpe"))
    t.pre_tokenizer, t.decoder = BYTE_LEVEL[name](), D.ByteLevel()
    t.add_special_tokens([tk.AddedToken(x, special=True, normalized=False) for x, k in zip(tokens, kinds) if k == 3][:50])
    compare(tmp_path, t, len(name))


@pytest.mark.parametrize("name", ["llama-spm", "nomic-bert-moe"] if TEXT_MB >= 1 else ["llama-spm"])
def test_real_unigram(tmp_path, name):
    """The pieces and scores of SentencePiece models (LLaMA 2's, which is a BPE there, and XLM-R's)."""
    value = gguf(name)
    t = tk.Tokenizer(M.Unigram(list(zip(value("tokens"), value("scores"))), unk_id=value("unknown_token_id") or 0, byte_fallback=name == "llama-spm"))
    t.normalizer, t.pre_tokenizer, t.decoder = N.NFKC(), P.Metaspace(), D.Metaspace()
    compare(tmp_path, t, 20)


def test_real_sentencepiece_bpe(tmp_path):
    """LLaMA 2's, with its merges as transformers makes them."""
    from transformers.tokenization_utils_sentencepiece import generate_merges

    value = gguf("llama-spm")
    vocab = {x: i for i, x in enumerate(value("tokens"))}
    t = tk.Tokenizer(M.BPE(vocab, generate_merges(vocab, dict(zip(value("tokens"), value("scores")))), unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = N.Sequence([N.Prepend("\u2581"), N.Replace(" ", "\u2581")])
    t.add_special_tokens([tk.AddedToken(x, special=True, normalized=False) for x in ("<unk>", "<s>", "</s>")])
    compare(tmp_path, t, 21)


def test_real_wordpiece(tmp_path):
    tokens = [x[1:] if x[0] == "\u2581" else x if x[0] == "[" and x[-1] == "]" else "##" + x for x in gguf("bert-bge")("tokens")]
    t = tk.Tokenizer(M.WordPiece({x: i for i, x in enumerate(tokens)}, unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer, t.decoder = N.BertNormalizer(), P.BertPreTokenizer(), D.WordPiece()
    t.add_special_tokens(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    compare(tmp_path, t, 22)


TRAINED = {
    "bpe": (M.BPE(unk_token="<unk>"), None, P.WhitespaceSplit(), tk.trainers.BpeTrainer),
    "bpe bytes": (M.BPE(), N.NFC(), P.ByteLevel(), tk.trainers.BpeTrainer),
    "bpe punctuation": (M.BPE(unk_token="<unk>", continuing_subword_prefix="##"), N.Lowercase(), P.Sequence([P.Whitespace(), P.Punctuation()]), tk.trainers.BpeTrainer),
    "bpe delimiter": (M.BPE(unk_token="<unk>", end_of_word_suffix="</w>"), N.NFD(), P.Sequence([P.CharDelimiterSplit(" "), P.FixedLength(12)]), tk.trainers.BpeTrainer),
    "wordpiece": (M.WordPiece(unk_token="<unk>"), N.BertNormalizer(), P.BertPreTokenizer(), tk.trainers.WordPieceTrainer),
    "wordpiece digits": (M.WordPiece(unk_token="<unk>"), N.Sequence([N.NFKD(), N.StripAccents()]), P.Sequence([P.Digits(), P.Whitespace()]), tk.trainers.WordPieceTrainer),
    "unigram": (M.Unigram(), N.NFKC(), P.Metaspace(), tk.trainers.UnigramTrainer),
    "unigram scripts": (M.Unigram(), N.Nmt(), P.Sequence([P.UnicodeScripts(), P.Metaspace(prepend_scheme="first")]), tk.trainers.UnigramTrainer),
    "word level": (M.WordLevel(unk_token="<unk>"), N.Strip(), P.Whitespace(), tk.trainers.WordLevelTrainer),
    "word level split": (M.WordLevel(unk_token="<unk>"), N.Replace("e", "é"), P.Split(tk.Regex(r"\w+|[^\w\s]"), "isolated"), tk.trainers.WordLevelTrainer),
}


@pytest.mark.parametrize("name", TRAINED)
def test_trained(tmp_path, name):
    model, normalizer, pre_tokenizer, trainer = TRAINED[name]
    t = tk.Tokenizer(model)
    t.pre_tokenizer = pre_tokenizer
    if normalizer:
        t.normalizer = normalizer
    r = random.Random(name)
    texts = [sources(49)[i:i + 2000] for i in range(0, 300_000, 2000)] + [words(r, 2000) for _ in range(40)]
    more = {"unk_token": "<unk>"} if isinstance(model, M.Unigram) else {}
    t.train_from_iterator(texts, trainer(vocab_size=3000, special_tokens=["<unk>", "<s>"], show_progress=False, **more))
    compare(tmp_path, t, 23)
