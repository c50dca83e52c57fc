"""Training against the Python package `tokenizers`: the whole tokenizer.json equal where the original gives the same one
twice; where its ids follow a hash map, against a plain model of its algorithm that is first held against the original."""
import glob
import json
import os
import random
import subprocess
import sysconfig

import pytest
import tokenizers as tk

from tokenizer_cases import BUILD, lines

DRIVER = os.path.join(BUILD, "tests", "train_tokenizer")
BYTES = "".join(sorted(tk.pre_tokenizers.ByteLevel.alphabet()))


def prose(seed, size=120_000):
    """Lines of the sources and notes that Python packages carry: words as they come, in other files for each seed."""
    files = sorted(glob.glob(os.path.join(sysconfig.get_paths()["stdlib"], "*.py")))
    random.Random(seed).shuffle(files)
    out, total = [], 0
    for file in files:
        for line in open(file, encoding="utf-8", errors="replace"):
            out.append(line)
            total += len(line)
        if total > size:
            break
    return out


def small_words(seed, letters="abc", longest=9, count=500):
    """Few letters: many pairs come equally often, and many tokens are spelt by several pairs."""
    r = random.Random(seed)
    words = ["".join(r.choices(letters, k=r.randint(1, longest))) for _ in range(count)]
    return [" ".join(r.choices(words, k=r.randint(1, 12))) for _ in range(count)]


def ours(requests):
    text = "".join(json.dumps(r) + "\n" for r in requests)
    done = subprocess.run([DRIVER], input=text.encode(), capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr.decode()
    answers = done.stdout.decode().split("\n")[:-1]
    assert len(answers) == len(requests)
    return [json.loads(a) for a in answers]


def trainer_of(options):
    options = dict(options)
    kind = getattr(tk.trainers, options.pop("type"))
    if "special_tokens" in options:
        options["special_tokens"] = [tk.AddedToken(**t) if isinstance(t, dict) else t for t in options["special_tokens"]]
    if "initial_alphabet" in options:
        options["initial_alphabet"] = list(options["initial_alphabet"])
    return kind(show_progress=False, **options)


def theirs(untrained, options, texts):
    t = tk.Tokenizer.from_str(untrained.to_str())
    t.train_from_iterator(texts, trainer_of(options))
    return json.loads(t.to_str())


def request(untrained, options, texts, **more):
    return {"tokenizer": json.loads(untrained.to_str()), "trainer": options, "texts": texts, **more}


def tokenizer(model, pre_tokenizer=None, normalizer=None):
    t = tk.Tokenizer(model)
    if pre_tokenizer is not None:
        t.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        t.normalizer = normalizer
    return t


def same_json(want, got):
    assert "error" not in got, got
    vocab, merges = want["model"]["vocab"], want["model"].get("merges")
    if merges is not None:
        for i, (a, b) in enumerate(zip(merges, got["model"]["merges"])):
            assert a == b, f"merge {i}: tokenizers {a}, hearth {b}"
        assert len(merges) == len(got["model"]["merges"])
    assert vocab == got["model"]["vocab"]
    assert want == got


def byte_level(**kw):
    return tokenizer(tk.models.BPE(), tk.pre_tokenizers.ByteLevel(**kw))


PRE = tk.pre_tokenizers
EXACT = {
    "byte_level": (byte_level(add_prefix_space=False), {"vocab_size": 1500}),
    "byte_level_alphabet": (byte_level(add_prefix_space=False), {"vocab_size": 1200, "initial_alphabet": BYTES, "special_tokens": ["<|endoftext|>", "<pad>"]}),
    "byte_level_prefix": (byte_level(add_prefix_space=True), {"vocab_size": 900, "min_frequency": 3}),
    "byte_level_no_regex": (byte_level(add_prefix_space=False, use_regex=False), {"vocab_size": 500, "max_token_length": 10}),
    "byte_level_after_digits": (tokenizer(tk.models.BPE(), PRE.Sequence([PRE.Digits(individual_digits=True), PRE.ByteLevel(add_prefix_space=False)])), {"vocab_size": 800}),
    "byte_level_before_split": (tokenizer(tk.models.BPE(), PRE.Sequence([PRE.ByteLevel(add_prefix_space=False, use_regex=False), PRE.Split("e", "isolated")])), {"vocab_size": 700}),
    "whitespace": (tokenizer(tk.models.BPE(unk_token="<unk>", fuse_unk=True), PRE.Whitespace(), tk.normalizers.NFKC()), {"vocab_size": 1100, "special_tokens": ["<unk>"]}),
    "metaspace": (tokenizer(tk.models.BPE(unk_token="<unk>", byte_fallback=True), PRE.Metaspace(), tk.normalizers.Sequence([tk.normalizers.NFD(), tk.normalizers.StripAccents()])), {"vocab_size": 900, "special_tokens": ["<unk>", "<s>", {"content": "</s>", "rstrip": True}]}),
    "bert": (tokenizer(tk.models.BPE(), PRE.BertPreTokenizer(), tk.normalizers.BertNormalizer()), {"vocab_size": 1000, "min_frequency": 2}),
    "nothing": (tokenizer(tk.models.BPE()), {"vocab_size": 300, "min_frequency": 2}),
    "special_is_a_letter": (tokenizer(tk.models.BPE(), PRE.Whitespace()), {"vocab_size": 400, "special_tokens": ["é", "th", "in", "the", "ing"]}),
    "vocabulary_below_alphabet": (tokenizer(tk.models.BPE(), PRE.Whitespace()), {"vocab_size": 5}),
    "max_token_length_1": (tokenizer(tk.models.BPE(), PRE.Whitespace()), {"vocab_size": 500, "max_token_length": 1}),
    "max_token_length_4": (tokenizer(tk.models.BPE(), PRE.Whitespace()), {"vocab_size": 900, "max_token_length": 4}),
    "all_merged": (tokenizer(tk.models.BPE(), PRE.Whitespace()), {"vocab_size": 10**6, "min_frequency": 1}),
}


@pytest.mark.parametrize("name", EXACT)
def test_bpe_is_exactly_the_originals(name):
    untrained, options = EXACT[name]
    options = {"type": "BpeTrainer", **options}
    for seed in range(3):
        texts = [prose(seed, 30_000 if name in ("nothing", "byte_level_no_regex") else 120_000), lines(150, seed), small_words(seed)][seed]
        (got,) = ours([request(untrained, options, texts)])
        same_json(theirs(untrained, options, texts), got)
