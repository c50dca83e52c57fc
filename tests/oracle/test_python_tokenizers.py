"""The Python package hearth-tokenizers beside the original, `tokenizers`: the same calls, the same results.

pip makes a wheel of it, in a build folder that stays, and installs it into a fresh environment. The folder lies beside
build/ and the compiler is called as there, so that ccache gives what is compiled already."""
import ast
import asyncio
import copy
import json
import os
import pathlib
import pickle
import random
import subprocess
import sys
import threading

import pytest
import tokenizers as original

root = pathlib.Path(__file__).resolve().parents[2]
build = pathlib.Path(os.environ.get("HEARTH_BUILD", root / "build"))
pytestmark = pytest.mark.filterwarnings("ignore:Deprecated in 0.9.4")  # Encoding.words, which both have
TEXTS = ["Hello, world! This is it.", "", "  two  spaces ", "naïve café ΑΒΓ 日本語 🤗👩‍👩‍👧", "a" * 60, "[MASK] <s> x</s>y", "1234567 don't\n\tstop"]


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """A fresh environment with nothing but the package. Its build requirements are in ours."""
    folder = tmp_path_factory.mktemp("python")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, root / "bindings" / "python",
        "-C", f"build-dir={build}-python", env={**os.environ, "CC": "cc", "CXX": "c++"})
    (wheel,) = folder.glob("hearth_tokenizers-*.whl")
    run(sys.executable, "-m", "venv", folder / "venv")
    run(folder / "venv" / "bin" / "python", "-m", "pip", "install", "-q", "--no-index", wheel)
    return folder / "venv"


@pytest.fixture(scope="session")
def ours(environment):
    (packages,) = environment.glob("lib/python3*/site-packages")
    sys.path.append(str(packages))
    import hearth_tokenizers
    return hearth_tokenizers


def random_texts(seed, count=60):
    r = random.Random(seed)
    alphabet = "abc  the ing.,\n'\"0123é日本🤗́\u200d\0ЖßİΣ"
    words = ["Hello", "[MASK]", "<s>", "don't", "the", "tokenizer"]
    return ["".join(r.choice(words) if r.random() < 0.2 else r.choice(alphabet) for _ in range(r.randrange(60))) for _ in range(count)]


def make_byte_level():
    t = original.Tokenizer(original.models.BPE())
    t.pre_tokenizer = original.pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = original.decoders.ByteLevel()
    t.post_processor = original.processors.ByteLevel()
    t.train_from_iterator(TEXTS * 3, original.trainers.BpeTrainer(vocab_size=400, show_progress=False, special_tokens=["<s>", "</s>"],
                                                                  initial_alphabet=original.pre_tokenizers.ByteLevel.alphabet()))
    return t


def make_bert():
    t = original.Tokenizer(original.models.WordPiece(unk_token="[UNK]"))
    t.normalizer = original.normalizers.BertNormalizer()
    t.pre_tokenizer = original.pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(TEXTS * 3, original.trainers.WordPieceTrainer(vocab_size=200, show_progress=False,
                                                                        special_tokens=["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]))
    t.post_processor = original.processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                                              special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    t.decoder = original.decoders.WordPiece()
    return t


def make_unigram():
    t = original.Tokenizer(original.models.Unigram([("<unk>", 0.0), ("▁", -2.0), *((c, -3.0 - i / 9) for i, c in enumerate("abcdehilnorstw")), ("▁the", -1.0)], 0, True))
    t.normalizer = original.normalizers.Sequence([original.normalizers.NFKC(), original.normalizers.Lowercase()])
    t.pre_tokenizer = original.pre_tokenizers.Metaspace()
    t.decoder = original.decoders.Metaspace()
    t.add_tokens([original.AddedToken("[MASK]", lstrip=True), "hello"])
    return t


@pytest.fixture(scope="session", params=[make_byte_level, make_bert, make_unigram], ids=lambda f: f.__name__[5:])
def json_text(request):
    return request.param().to_str()


@pytest.fixture
def both(ours, json_text):
    return original.Tokenizer.from_str(json_text), ours.Tokenizer.from_str(json_text)


def facts(e, deep=True):
    n = len(e)
    out = {name: getattr(e, name) for name in ("ids", "tokens", "type_ids", "attention_mask", "special_tokens_mask", "offsets", "word_ids",
                                               "words", "sequence_ids", "n_sequences")}
    out["maps"] = [(e.token_to_chars(i), e.token_to_word(i), e.token_to_sequence(i)) for i in range(n + 2)]
    for s in range(3):
        out[f"chars{s}"] = [(e.char_to_token(i, s), e.char_to_word(i, s), e.word_to_tokens(i, s), e.word_to_chars(i, s)) for i in range(12)]
    out["repr"], out["state"] = repr(e), None if e.overflowing else json.loads(e.__getstate__())
    if deep:
        more = e.overflowing
        out["overflowing"] = [o.ids for o in more], [facts(o, False) for o in (more if len(more) < 5 else more[:2] + more[-2:])]
    return out


def outcome(call):
    """What a call gives, or the class of its error."""
    try:
        return call()
    except Exception as error:
        return type(error).__name__
    except BaseException:
        return "panic"


def same(both, call):
    theirs, mine = (outcome(lambda: call(t)) for t in both)
    assert mine == ("Exception" if theirs == "panic" else theirs)  # a stride that leaves nothing ends the original's Rust


SETTINGS = [lambda t: None, lambda t: t.enable_truncation(6, stride=2), lambda t: t.enable_truncation(7, strategy="only_second", direction="left"),
            lambda t: t.enable_padding(), lambda t: t.enable_padding(direction="left", pad_id=1, pad_type_id=1, pad_token="<p>", pad_to_multiple_of=8),
            lambda t: (t.enable_truncation(5, strategy="only_first"), t.enable_padding(length=9))]


@pytest.mark.parametrize("setting", range(len(SETTINGS)))
def test_encode(both, setting):
    for t in both:
        SETTINGS[setting](t)
    assert both[0].truncation == both[1].truncation and both[0].padding == both[1].padding
    texts = TEXTS + random_texts(setting, 12)
    for text, pair in zip(texts, reversed(texts)):
        same(both, lambda t: facts(t.encode(text)))
        same(both, lambda t: facts(t.encode(text, pair, add_special_tokens=False)))
        same(both, lambda t: facts(t.encode(text.split(), pair.split(), is_pretokenized=True)))
        same(both, lambda t: t.decode(t.encode(text).ids, skip_special_tokens=False))
    same(both, lambda t: [facts(e) for e in t.encode_batch(texts)])
    same(both, lambda t: [e.ids for e in t.encode_batch([(a, b) for a, b in zip(texts, texts[1:])])])
    same(both, lambda t: [e.offsets for e in t.encode_batch([a.split() for a in texts], is_pretokenized=True)])
    same(both, lambda t: [e.ids for e in t.encode_batch_fast(texts)])
    same(both, lambda t: t.decode_batch([e.ids for e in t.encode_batch(texts)]))
    same((both[0], original.Tokenizer.from_str(both[1].to_str())), lambda t: t.to_str(pretty=True))


def test_encoding_methods(both):
    for text in TEXTS:
        def changed(t):
            a, b = t.encode(text), t.encode("the end", "b")
            a.pad(12, pad_id=1, pad_token="<p>", direction="left")
            b.truncate(3, stride=1)
            b.set_sequence_id(1)
            merged = type(a).merge([a, b, a])
            plain = type(a).merge([b, a], growing_offsets=False)
            return [facts(e) for e in (a, b, merged, plain, pickle.loads(pickle.dumps(a)), copy.deepcopy(merged), type(a)())]
        same(both, changed)
        # Not which text an id is of: here the original has two answers, and takes that which its hash map has first.
        names = ("ids", "tokens", "type_ids", "attention_mask", "special_tokens_mask", "offsets", "word_ids", "n_sequences")
        same(both, lambda t: [getattr(t.post_process(t.encode(text), t.encode("b"), add), name) for name in names for add in (True, False)])


def test_tokens_and_vocabulary(ours, both):
    for module, t in zip((original, ours), both):
        assert t.add_tokens(["newtok", module.AddedToken("the", single_word=True, rstrip=True)]) == 2
        assert t.add_tokens(["newtok"]) == 0
        t.add_special_tokens(["<end>", module.AddedToken("<sep>", lstrip=True)])
    for text in ["a newtok the other", "x <end>  <sep> newtoknewtok", *random_texts(5, 10)]:
        same(both, lambda t: facts(t.encode(text)))
        same(both, lambda t: t.decode(t.encode(text).ids))
    for with_added in (True, False):
        same(both, lambda t: t.get_vocab(with_added))
        same(both, lambda t: t.get_vocab_size(with_added))
    same(both, lambda t: {k: str(repr(v)) for k, v in t.get_added_tokens_decoder().items()})
    same(both, lambda t: [t.id_to_token(i) for i in range(500)])
    same(both, lambda t: [t.token_to_id(s) for s in ("the", "newtok", "nope", "")])
    same(both, lambda t: [t.num_special_tokens_to_add(b) for b in (True, False)])
    for t in both:
        t.encode_special_tokens = True
    same(both, lambda t: t.encode("x <end> y").tokens)
    for again in (pickle.loads(pickle.dumps(both[1])), copy.deepcopy(both[1])):
        assert again.to_str() == both[1].to_str() and again.encode("a newtok").ids == both[0].encode("a newtok").ids


def test_decode_stream(ours, both):
    for text in TEXTS + random_texts(9, 20):
        def stream(module, t):
            s = module.decoders.DecodeStream(skip_special_tokens=False)
            return [s.step(t, i) for i in t.encode(text).ids]
        assert outcome(lambda: stream(ours, both[1])) == outcome(lambda: stream(original, both[0]))


def test_coroutines(both):
    async def run(t):
        batch = await t.async_encode_batch(TEXTS, add_special_tokens=False)
        one = await t.async_encode(TEXTS[0], TEXTS[1])
        return [e.ids for e in [*batch, one]], await t.async_decode_batch([e.ids for e in batch])
    same(both, lambda t: asyncio.run(run(t)))


def test_the_stub_tells_signatures(ours):
    stub = (pathlib.Path(ours.__file__).parent / "_core.pyi").read_text()
    functions = {f"{c.name}.{f.name}": ast.unparse(f.returns) for c in ast.parse(stub).body if isinstance(c, ast.ClassDef)
                 for f in c.body if isinstance(f, ast.FunctionDef) and f.returns is not None}
    assert functions["Tokenizer.encode_batch"] == "list[Encoding]"
    assert functions["Encoding.offsets"] == "list[tuple[int, int]]"
    assert "Where each token comes from" in stub


def test_other_threads_run_meanwhile(ours, json_text):
    t = ours.Tokenizer.from_str(json_text)
    text = " ".join(random_texts(3, 4000)) * 20
    started, done = threading.Event(), threading.Event()

    def encode():
        started.set()
        t.encode(text)
        done.set()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # no thread is stopped: this one goes on only when encode() lets go of the lock
    try:
        thread = threading.Thread(target=encode)
        thread.start()
        started.wait()
        was_done = done.is_set()
    finally:
        sys.setswitchinterval(interval)
        thread.join()
    assert not was_done


def test_errors(both, tmp_path):
    for call in (lambda t: t.encode(5), lambda t: t.encode(["a"]), lambda t: t.encode("a", is_pretokenized=True), lambda t: t.encode_batch("ab"),
                 lambda t: t.encode_batch([5]), lambda t: t.encode_batch([("a", "b", "c")]), lambda t: t.encode("\ud800"), lambda t: t.decode([-1]),
                 lambda t: t.decode(["a"]), lambda t: t.decode(5), lambda t: t.id_to_token(-1), lambda t: t.token_to_id(5),
                 lambda t: t.enable_truncation(5, stride=9), lambda t: t.enable_truncation(5, strategy="x"), lambda t: t.enable_truncation(5, direction="x"),
                 lambda t: t.enable_padding(direction="x"), lambda t: t.enable_truncation(-1), lambda t: type(t).from_str("{"),
                 lambda t: type(t).from_file("/no/such"), lambda t: type(t).from_buffer(b"{"), lambda t: type(t).from_buffer("{"), lambda t: type(t)(),
                 lambda t: type(t)(5), lambda t: t.add_tokens("ab"), lambda t: t.add_tokens([5]), lambda t: t.save("/no/such/folder/x"),
                 lambda t: setattr(t, "normalizer", 5), lambda t: setattr(t, "model", None), lambda t: t.encode("a").pad(9, direction="x"),
                 lambda t: t.encode("a").char_to_token(-1)):
        results = [outcome(lambda: call(t)) for t in both]
        assert isinstance(results[0], str) and results[1] == results[0]


PARTS = ["normalizers.BertNormalizer(lowercase=False)", "normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])",
         "normalizers.Replace(Regex('a+'), 'b')", "normalizers.Replace('a', 'b')", "normalizers.Prepend('x')", "normalizers.Strip(right=False)", "normalizers.ByteLevel()",
         "pre_tokenizers.ByteLevel()", "pre_tokenizers.Split(Regex('[ei]'), 'merged_with_next', invert=True)", "pre_tokenizers.Punctuation('contiguous')",
         "pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(True)])", "pre_tokenizers.Metaspace(prepend_scheme='first', split=False)",
         "pre_tokenizers.Whitespace()", "pre_tokenizers.UnicodeScripts()", "pre_tokenizers.CharDelimiterSplit('l')", "pre_tokenizers.FixedLength(3)",
         "decoders.WordPiece(cleanup=False)", "decoders.Sequence([decoders.Replace('▁', ' '), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(' ', 1, 0)])",
         "decoders.BPEDecoder()", "decoders.CTC()", "decoders.Metaspace()", "decoders.ByteLevel()"]


@pytest.mark.parametrize("source", PARTS)
def test_parts(ours, source):
    theirs, mine = (eval(source, vars(module).copy()) for module in (original, ours))
    assert repr(mine) == repr(theirs) and json.loads(mine.__getstate__()) == json.loads(theirs.__getstate__())
    for part in (mine, pickle.loads(pickle.dumps(mine)), copy.deepcopy(mine)):
        for text in TEXTS:
            for name, argument in (("normalize_str", text), ("pre_tokenize_str", text), ("decode", text.split())):
                if hasattr(theirs, name):
                    assert outcome(lambda: getattr(part, name)(argument)) == outcome(lambda: getattr(theirs, name)(argument))


def test_parts_are_set_and_changed(ours):
    def run(module):
        vocab = {"a": 0, "b": 1, "ab": 2, "<unk>": 3, "Ġ": 4, "Ġab": 5, " ": 6}
        t = module.Tokenizer(module.models.BPE(vocab=vocab, merges=[("a", "b"), ("Ġ", "ab")], unk_token="<unk>"))
        out = [repr(t), t.encode("ab ab").tokens, [x.as_tuple() for x in t.model.tokenize("abé")]]
        t.pre_tokenizer = module.pre_tokenizers.ByteLevel(add_prefix_space=True)
        out.append(t.encode("ab ab").tokens)
        t.pre_tokenizer.add_prefix_space = False
        out.append(t.encode("ab ab").tokens)
        t.normalizer = module.normalizers.Sequence([module.normalizers.Lowercase(), module.normalizers.Prepend("b")])
        out.append((t.encode("AB").tokens, len(t.normalizer), repr(t.normalizer[1])))
        t.normalizer[1] = module.normalizers.Prepend("a")
        out.append(t.encode("AB").tokens)
        t.post_processor = module.processors.BertProcessing(("a", 0), ("b", 1))
        out.append((t.encode("ab", "b").ids, t.post_processor.sep, t.num_special_tokens_to_add(True)))
        t.post_processor = module.processors.TemplateProcessing(single="a $0 b:1", pair="a $A b $B:1", special_tokens=[("a", 0), ("b", 1)])
        out.append((repr(t.post_processor), facts(t.encode("ab", "b"))))
        t.post_processor.single = "$0 a"
        t.decoder = module.decoders.ByteLevel()
        out.append((t.encode("ab").ids, t.decode([5, 5]), t.decoder.decode(["Ġab"])))
        t.normalizer = t.post_processor = None
        t.model = module.models.WordLevel({"ab": 0, "x": 1}, unk_token="x")
        out.append((t.encode("ab Q").ids, t.normalizer, str(t.model)))
        return out
    assert run(ours) == run(original)


def test_training(ours, tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(TEXTS * 4))

    def run(module, by_file):
        t = module.Tokenizer(module.models.BPE())
        t.pre_tokenizer = module.pre_tokenizers.ByteLevel()
        trainer = module.trainers.BpeTrainer(vocab_size=350, show_progress=False, special_tokens=["<s>", module.AddedToken("</s>", rstrip=True)], initial_alphabet=module.pre_tokenizers.ByteLevel.alphabet())
        t.train([str(tmp_path / "a.txt")], trainer) if by_file else t.train_from_iterator(iter([TEXTS[:3], TEXTS[3:]]), trainer)
        return t.get_vocab(), t.encode("<s>Hello world</s> ").ids, {i: repr(token) for i, token in t.get_added_tokens_decoder().items()}
    for by_file in (True, False):
        assert run(ours, by_file) == run(original, by_file)


def test_transformers_runs_on_it(ours):
    import transformers
    path = build / "oracle" / "python_tokenizers.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    make_bert().save(str(path))
    made = [transformers.PreTrainedTokenizerFast(tokenizer_object=m.Tokenizer.from_file(str(path)), pad_token="[PAD]", unk_token="[UNK]") for m in (original, ours)]
    texts = [t for t in TEXTS if t]
    calls = [lambda t: t(texts, padding=True, truncation=True, max_length=9, return_offsets_mapping=True, return_overflowing_tokens=True),
             lambda t: t(texts, texts[::-1], padding="max_length", max_length=40, truncation="only_second"), lambda t: t.decode(t(texts[0])["input_ids"]),
             lambda t: t.tokenize(texts[0]), lambda t: t(texts[0]).word_ids(), lambda t: (t.add_tokens(["hello"]), t(texts[0])["input_ids"], len(t))]
    for call in calls:
        theirs, mine = (call(t) for t in made)
        assert (dict(mine) if hasattr(mine, "data") else mine) == (dict(theirs) if hasattr(theirs, "data") else theirs)


def test_numpy(ours, json_text):
    t = ours.Tokenizer.from_str(json_text)
    ids, ends = t.encode_batch_to_numpy(TEXTS)
    assert [ids[a:b].tolist() for a, b in zip(ends, ends[1:])] == [e.ids for e in t.encode_batch(TEXTS)]
    assert t.encode(TEXTS[0]).ids_array.tolist() == t.encode(TEXTS[0]).ids


def test_it_runs_in_an_environment_with_nothing_else(environment, tmp_path):
    text = "hello world, the tokenizer"
    original_tokenizer = make_bert()
    original_tokenizer.save(str(tmp_path / "tokenizer.json"))
    tour = """
import json, pickle, sys
from hearth_tokenizers import Tokenizer
assert "tokenizers" not in sys.modules and "numpy" not in sys.modules
tokenizer = pickle.loads(pickle.dumps(Tokenizer.from_file("tokenizer.json")))
encoding = tokenizer.encode(sys.argv[1])
print(json.dumps([encoding.ids, encoding.tokens, encoding.offsets, tokenizer.decode(encoding.ids)]))
"""
    ids, tokens, offsets, decoded = json.loads(run(environment / "bin" / "python", "-c", tour, text, cwd=tmp_path))
    e = original_tokenizer.encode(text)
    assert (ids, tokens, [tuple(o) for o in offsets]) == (e.ids, e.tokens, e.offsets)
    assert decoded == original_tokenizer.decode(e.ids)
