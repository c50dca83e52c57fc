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

from test_auto_tokenizer import folders, variant_of  # noqa: F401: a fixture
from test_auto_tokenizer import ours as asked
from tokenizer_cases import BUILD, HEARTH, lines

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


PREFIXED = [{"end_of_word_suffix": "</w>"}, {"continuing_subword_prefix": "##"}, {"continuing_subword_prefix": "##", "end_of_word_suffix": "</w>"}]


@pytest.mark.parametrize("more", PREFIXED)
def test_bpe_with_affixes_is_exactly_the_originals_where_no_pair_ties(more):
    """Ids with a prefix or suffix follow the original's hash map; without ties the pieces and their order do not."""
    r = random.Random(3)
    words = ["".join(r.choices("abcdefg", k=r.randint(2, 6))) for _ in range(12)]
    texts = [" ".join([word] * (3**i % 10007 + i)) for i, word in enumerate(words)]
    untrained = tokenizer(tk.models.BPE(), PRE.WhitespaceSplit())
    options = {"type": "BpeTrainer", "vocab_size": 55, "min_frequency": 2, **more}
    (got,) = ours([request(untrained, options, texts)])
    runs = [theirs(untrained, options, texts) for _ in range(12)]
    of = lambda j: (set(j["model"]["vocab"]), j["model"]["merges"])
    assert of(got) in [of(w) for w in runs]
    for key in ("continuing_subword_prefix", "end_of_word_suffix"):
        assert got["model"][key] == more.get(key)


@pytest.mark.parametrize("seed", range(3))
def test_random_small_words_tie_and_repeat_as_the_originals(seed):
    requests, want = [], []
    for i in range(60):
        r = random.Random(1000 * seed + i)
        texts = small_words(r.random(), r.choice(["ab", "abc", "a", "abcdef", "aé漢"]), r.choice([3, 9, 20]), r.choice([5, 50, 200]))
        options = {"type": "BpeTrainer", "vocab_size": r.choice([5, 20, 100, 300]), "min_frequency": r.choice([0, 1, 2, 5])}
        if r.random() < 0.3:
            options["max_token_length"] = r.choice([1, 2, 3, 4, 6, 9])
        if r.random() < 0.3:
            options["special_tokens"] = r.sample(["a", "ab", "aba", "<s>", "bb", "aab", "cc"], 3)
        untrained = tokenizer(tk.models.BPE(), r.choice([PRE.Whitespace(), PRE.ByteLevel(), None]))
        requests.append(request(untrained, options, texts, threads=r.choice([1, 2, 3])))
        want.append(theirs(untrained, options, texts))
    for a, b in zip(want, ours(requests), strict=True):
        same_json(a, b)


def test_word_level_is_exactly_the_originals():
    untrained = tokenizer(tk.models.WordLevel(unk_token="[UNK]"), PRE.Whitespace())
    for options in ({}, {"min_frequency": 3, "special_tokens": ["[UNK]", "the", "self"]}, {"vocab_size": 3, "special_tokens": ["[UNK]", "a", "b", "c"]}):
        options = {"type": "WordLevelTrainer", **options}
        texts = prose(5)
        (got,) = ours([request(untrained, options, texts + [""])])
        same_json(theirs(untrained, options, texts + [""]), got)


def tokens_of(trained, texts):
    return sum(len(e.ids) for e in tk.Tokenizer.from_str(json.dumps(trained)).encode_batch(texts))


def test_word_piece_cuts_held_text_into_as_many_tokens():
    untrained = tokenizer(tk.models.WordPiece(unk_token="[UNK]"), PRE.BertPreTokenizer(), tk.normalizers.BertNormalizer())
    options = {"type": "WordPieceTrainer", "vocab_size": 2000, "special_tokens": ["[PAD]", "[UNK]"]}
    texts, held = prose(6), prose(7)
    (got,) = ours([request(untrained, options, texts)])
    want = tokens_of(theirs(untrained, options, texts), held)
    assert abs(tokens_of(got, held) / want - 1) < 0.005


def test_unigram_cuts_held_text_into_as_many_tokens():
    untrained = tokenizer(tk.models.Unigram(), PRE.Whitespace(), tk.normalizers.NFKC())
    options = {"type": "UnigramTrainer", "vocab_size": 2500, "special_tokens": ["<s>", "</s>"], "unk_token": "<unk>"}
    texts, held = prose(0, 400_000), prose(1)
    (got,) = ours([request(untrained, options, texts)])
    want = theirs(untrained, options, texts)
    assert got["model"]["unk_id"] == want["model"]["unk_id"] and len(got["model"]["vocab"]) == len(want["model"]["vocab"])
    assert abs(tokens_of(got, held) / tokens_of(want, held) - 1) < 0.005


UNIGRAM = {
    "metaspace": (PRE.Metaspace(), None, {"vocab_size": 1500, "unk_token": "<unk>", "special_tokens": ["<s>", "<unk>"]}),
    "metaspace_whole_lines": (PRE.Metaspace(split=False), None, {"vocab_size": 700, "unk_token": "<unk>", "max_piece_length": 9}),
    "whitespace": (PRE.Whitespace(), tk.normalizers.NFKC(), {"vocab_size": 600, "shrinking_factor": 0.6, "n_sub_iterations": 3}),
    "byte_level": (PRE.ByteLevel(), None, {"vocab_size": 1000, "unk_token": "<unk>"}),
}


@pytest.mark.parametrize("name", UNIGRAM)
def test_unigram_pieces_are_the_originals(name):
    """What differs from run to run of the original are the scores of characters that were pieces no more in the end."""
    pre_tokenizer, normalizer, options = UNIGRAM[name]
    untrained = tokenizer(tk.models.Unigram(), pre_tokenizer, normalizer)
    options = {"type": "UnigramTrainer", **options}
    texts = prose(2, 60_000)
    (got,) = ours([request(untrained, options, texts)])
    want, ours_ = (dict(map(tuple, j["model"]["vocab"])) for j in (theirs(untrained, options, texts), got))
    assert set(want) == set(ours_) and len(want) == options["vocab_size"]
    least = min(v for k, v in want.items() if len(k) > 1)
    for piece, score in want.items():
        assert abs(score - ours_[piece]) < (0.05 if len(piece) == 1 and score < least + 1 else 1e-6), piece


def test_files_are_lines_as_the_originals(tmp_path):
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    paths[0].write_bytes(("".join(prose(8)) + "no end").encode())
    paths[1].write_bytes("\r\n\n x \r\n".encode() + "\n".join(lines(60, 1)).encode())
    untrained, options = byte_level(add_prefix_space=True), {"type": "BpeTrainer", "vocab_size": 700}
    reference = tk.Tokenizer.from_str(untrained.to_str())
    reference.train([str(p) for p in paths], trainer_of(options))
    (got,) = ours([{**request(untrained, options, None), "files": [str(p) for p in paths]}])
    same_json(json.loads(reference.to_str()), got)


NEW = [("gpt2", None), ("gpt2", "GPT2Tokenizer"), ("qwen", "Qwen2Tokenizer"), ("roberta", "RobertaTokenizer"), ("llama3", None), ("clip", None), ("wordpiece", "BertTokenizer"), ("albert", "AlbertTokenizer"),
       ("marian", "XLMRobertaTokenizer"), ("spm_bpe", "LlamaTokenizer"), ("deberta2", "DebertaV2Tokenizer")]


@pytest.mark.parametrize("kind, name", NEW)
def test_train_new_from_iterator(folders, tmp_path, kind, name):  # noqa: F811
    """The same class, special tokens, surroundings; the vocabulary exactly where the original repeats itself."""
    import transformers

    folder = variant_of(folders(kind), tmp_path / "t", **({"tokenizer_class": name} if name else {}))
    old, texts = transformers.AutoTokenizer.from_pretrained(str(folder)), prose(4, 40_000)
    options = {"new_special_tokens": ["<new>", "<|x|>"], "special_tokens_map": {old.all_special_tokens[0]: "<renamed>"}}
    for row, more in enumerate(({}, options)):
        theirs_, out = old.train_new_from_iterator(texts, 700, **more), tmp_path / f"out{row}"
        (about,) = asked(folder, [{"do": "train", "texts": texts, "vocab_size": 700, "folder": str(out), **more}])
        assert "error" not in about, about
        theirs_.save_pretrained(str(tmp_path / f"theirs{row}"))
        ours_ = transformers.AutoTokenizer.from_pretrained(str(out))
        want, got = (json.loads(t.backend_tokenizer.to_str()) for t in (theirs_, ours_))
        assert type(ours_) is type(theirs_) and about["class"] == type(theirs_).__name__
        assert about["special_tokens_map"] == ours_.special_tokens_map == theirs_.special_tokens_map
        assert about["extra_special_tokens"] == [str(x) for x in theirs_.extra_special_tokens]
        for part in ("normalizer", "pre_tokenizer", "decoder"):
            assert want[part] == got[part], part
        if kind == "llama3":  # inside a Sequence Python leaves the old tokens and their old ids
            want["post_processor"], theirs_.backend_tokenizer.post_processor = got["post_processor"], ours_.backend_tokenizer.post_processor
            for token in got["post_processor"]["processors"][1]["special_tokens"].values():
                assert token["ids"] == [ours_.convert_tokens_to_ids(t) for t in token["tokens"]] and token["tokens"] == ["<renamed>" if more else "<|begin_of_text|>"]
        if want["model"]["type"] == "BPE" and not want["model"]["end_of_word_suffix"]:
            assert want == got
            assert [theirs_(x)["input_ids"] for x in texts] == [ours_(x)["input_ids"] for x in texts]
        else:
            sizes = [sum(map(len, t(texts)["input_ids"])) for t in (theirs_, ours_)]
            assert abs(sizes[1] / sizes[0] - 1) < 0.005 and len(theirs_) == len(ours_)
            ids = [{w["content"]: w["id"] for w in j["added_tokens"]} for j in (want, got)]
            assert list(ids[0]) == list(ids[1])


AFFIXES = [(["--model", "bpe", "--pre-tokenizer", "whitespace", "--end-of-word-suffix", "</w>", "--initial-alphabet", "xyzé漢", "--max-token-length", 5, "--unk-token", "<unk>"],
            {"end_of_word_suffix": "</w>"}),
           (["--model", "wordpiece", "--continuing-subword-prefix", "@@", "--limit-alphabet", 40, "--unk-token", "<?>"], {"continuing_subword_prefix": "@@", "unk_token": "<?>"}),
           (["--model", "unigram", "--unk-token", "<?>", "--shrinking-factor", 0.6, "--max-piece-length", 5, "--n-sub-iterations", 1, "--initial-alphabet", "漢"], {"unk_id": 0})]


@pytest.mark.parametrize("row", range(3))
def test_the_verb_takes_the_trainers_options(tmp_path, row):
    words, model = AFFIXES[row]
    (tmp_path / "t.txt").write_text("".join(prose(9, 40_000)))
    done = verb(tmp_path / "t.txt", *words, "--vocab-size", 600, "--out", tmp_path / "t.json")
    assert done.returncode == 0, done.stderr
    got = json.loads((tmp_path / "t.json").read_text())
    for key, value in model.items():
        assert got["model"][key] == value
    t = tk.Tokenizer.from_file(str(tmp_path / "t.json"))
    assert t.decode(t.encode("the import of self").ids) == "the import of self"
    vocab = t.get_vocab()
    if row == 0:
        assert all(w in vocab for w in "xyzé漢") and max(len(w.removesuffix("</w>")) for w in vocab) <= 5 and "the</w>" in vocab
    if row == 1:
        assert "<?>" in vocab and any(w.startswith("@@") for w in vocab) and not any(w.startswith("##") for w in vocab if len(w) > 3)
        assert len({w for w in vocab if len(w) == 1}) <= 40
    if row == 2:
        assert max(map(len, vocab)) <= 5 and "漢" in vocab and t.token_to_id("<?>") == 0
        untrained = tk.Tokenizer.from_file(str(tmp_path / "t.json"))
        untrained.train([str(tmp_path / "t.txt")], tk.trainers.UnigramTrainer(vocab_size=600, unk_token="<?>", shrinking_factor=0.6, max_piece_length=5, n_sub_iterations=1, initial_alphabet=["漢"], show_progress=False))
        assert set(untrained.get_vocab()) == set(vocab)


def verb(*words, stdin=b""):
    return subprocess.run([HEARTH, "train-tokenizer", *map(str, words)], input=stdin, capture_output=True, timeout=120)


def test_the_verb_writes_what_python_loads(tmp_path):
    import transformers

    text = "".join(prose(9))
    (tmp_path / "t.txt").write_text(text)
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"body": line}) + "\n" for line in text.splitlines()))
    for kind in ("bpe", "wordpiece", "unigram", "wordlevel"):
        out = tmp_path / kind
        done = verb(tmp_path / "t.txt", "--model", kind, "--vocab-size", 900, "--special-tokens", "<s>,</s>", "--out", out, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["vocab_size"] == 900
        loaded = transformers.AutoTokenizer.from_pretrained(str(out))
        samples = ["Hello world, def f(x): return x", "<s>import os</s>"]
        ids = [json.loads(row) for row in subprocess.run([HEARTH, "tokenize", str(out), "--json"], input="".join(json.dumps(s) + "\n" for s in samples).encode(), capture_output=True).stdout.decode().splitlines()]
        assert ids == [loaded(s)["input_ids"] for s in samples]
        assert loaded.bos_token == "<s>"
    again = tmp_path / "like.json"
    done = verb("-", "--field", "body", "--like", tmp_path / "bpe", "--vocab-size", 700, "--out", again, stdin=(tmp_path / "t.jsonl").read_bytes())
    assert done.returncode == 0, done.stderr
    t = tk.Tokenizer.from_file(str(again))
    assert t.get_vocab_size() == 700 and t.token_to_id("</s>") == 1


def test_the_verb_says_what_is_wrong(tmp_path):
    (tmp_path / "t.txt").write_text("some text\n")
    out = tmp_path / "out"
    for words, said in [
        ((tmp_path / "none.txt", "--out", out), "none.txt"),
        ((tmp_path / "t.txt",), "--out"),
        ((tmp_path / "t.txt", "--out", out, "--vocab-size", 20), "--vocab-size 20 is too small"),
        ((tmp_path / "t.txt", "--out", out, "--model", "gpt"), "bpe, wordpiece, unigram, wordlevel"),
        (("/dev/null", "--out", out), "no text to train on"),
        ((tmp_path / "t.txt", "--out", out, "--field", "text"), "line 1"),
        ((tmp_path / "t.txt", "--out", out, "--shrinking-factor", 0.5), "--shrinking-factor is for unigram"),
        ((tmp_path / "t.txt", "--out", out, "--model", "unigram", "--end-of-word-suffix", "x"), "--end-of-word-suffix is for bpe, wordpiece"),
        ((tmp_path / "t.txt", "--out", out, "--model", "unigram", "--shrinking-factor", 1.5), "shrinking-factor"),
        ((tmp_path / "t.txt", "--out", out, "--like", tmp_path / "t.txt"), "t.txt"),
    ]:
        done = verb(*words)
        assert done.returncode != 0 and said in done.stderr.decode(), (words, done.stderr)
        assert not out.exists()
