"""AutoTokenizer against transformers' own, exactly: every tokenizer kind of the oracle as it is saved, and under the names
of the classes that build their parts from code, with the calls that people make."""
import json
import os
import random
import shutil
import subprocess

import pytest

import make_checkpoints
import transformers
from transformers.convert_slow_tokenizer import bytes_to_unicode
from tokenizer_cases import BUILD, HEARTH, hearth, lines

DRIVER = os.path.join(BUILD, "tests", "auto_tokenizer")
PAIRS = make_checkpoints.PAIRS


def ours(folder, requests, kwargs=None):
    text = "".join(json.dumps(r) + "\n" for r in requests)
    command = [DRIVER, str(folder)] + ([json.dumps(kwargs)] if kwargs else [])
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    answers = [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]
    assert len(answers) == len(requests)
    return answers


def plain(x):
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return {k: plain(v) for k, v in x.items()} if isinstance(x, dict) else x


def call(t, request):
    texts, pairs, options = request["texts"], request.get("pairs"), request.get("options", {})
    words = bool(texts) and isinstance(texts[0], list)
    try:
        return plain(dict(t(texts, *([pairs] if pairs else []), is_split_into_words=words, **options)))
    except BaseException as error:  # a panic of the Rust library (a stride too large) is no Exception
        if isinstance(error, KeyboardInterrupt):
            raise
        return {"error": str(error)}


CALLS = [
    {"return_offsets_mapping": True, "return_special_tokens_mask": True, "return_length": True, "return_token_type_ids": True},
    {"add_special_tokens": False},
    {"padding": True}, {"padding": "max_length", "max_length": 40}, {"padding": True, "pad_to_multiple_of": 8, "padding_side": "left"},
    {"max_length": 9}, {"truncation": True}, {"truncation": True, "max_length": 11, "stride": 3, "return_overflowing_tokens": True, "return_offsets_mapping": True},
    {"truncation": "only_first", "max_length": 16, "padding": "max_length"}, {"split_special_tokens": True},
]


def same(folder, texts, kwargs=None, brief=False):
    """Everything that both say of one folder; brief: without the calls that only cut and pad."""
    t = transformers.AutoTokenizer.from_pretrained(str(folder), **(kwargs or {}))
    short = [x for x in texts if len(x) < 120][:36]
    calls = CALLS[:2] if brief else CALLS
    pair_calls = CALLS[:1] if brief else CALLS[:3] + CALLS[6:9] + [{"truncation": "only_second", "max_length": 14}]
    r = random.Random(len(texts))
    pairs = [r.choice(short) for _ in short]
    requests = [{"do": "about"}]
    requests += [{"do": "call", "texts": texts if i < 2 else short, "options": o} for i, o in enumerate(calls)]
    requests += [{"do": "call", "texts": short[1:], "pairs": pairs[1:], "options": o} for o in pair_calls]
    requests += [{"do": "call", "texts": [w for w in (x.split() for x in short) if w], "options": CALLS[0]}]
    answers = ours(folder, requests, kwargs)
    about = answers[0]
    assert about["class"] == type(t).__name__
    assert about["special_tokens_map"] == t.special_tokens_map
    assert about["extra_special_tokens"] == [str(x) for x in t.extra_special_tokens]
    assert (about["padding_side"], about["truncation_side"], about["pad_token_type_id"]) == (t.padding_side, t.truncation_side, t.pad_token_type_id)
    assert about["model_input_names"] == t.model_input_names
    assert about["model_max_length"] == (t.model_max_length if t.model_max_length < 1e18 else None)
    ids = None
    for request, answer in zip(requests[1:], answers[1:]):
        expected = call(t, request)
        ids = ids or expected.get("input_ids")
        if "error" in expected:
            assert "error" in answer, (request.get("options"), expected)
            continue
        assert list(answer) == list(expected), request.get("options")
        for key in expected:
            for i, (a, b) in enumerate(zip(expected[key], answer[key], strict=True)):
                assert a == b, f"{type(t).__name__} {key} of {request['texts'][i] if len(request['texts']) > i else ''!r} {request.get('options')}\n python {a}\n hearth {b}"
    decoding = [{"do": "decode", "ids": row, "skip_special_tokens": skip, **({} if clean is None else {"clean_up_tokenization_spaces": clean})}
                for row in ids[: 8 if brief else 24] + [list(range(0, min(len(t), 400)))] for skip in (False, True) for clean in (None, True)]
    for request, answer in zip(decoding, ours(folder, decoding, kwargs)):
        asked = {k: v for k, v in request.items() if k not in ("do", "ids")}
        assert answer == t.decode(request["ids"], **asked), request
    return t


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """make(kind, seed, variant): the folder of a tokenizer, saved by transformers."""
    made = {}

    def make(kind, seed=0, variant="default"):
        key = kind, seed, variant
        if key not in made:
            make_checkpoints._TOK.clear()
            made[key] = tmp_path_factory.mktemp(f"{kind}-{seed}-{variant}")
            make_checkpoints.get_tokenizer(kind, make_checkpoints.Knobs(seed, variant)).save_pretrained(str(made[key]))
        return made[key]

    return make


def variant_of(folder, out, config=None, **changes):
    """A copy of the folder with another tokenizer_config.json: None takes a key away."""
    shutil.copytree(folder, out, dirs_exist_ok=True)
    path = os.path.join(out, "tokenizer_config.json")
    with open(path) as f:
        merged = {**json.load(f), **changes}
    with open(path, "w") as f:
        json.dump({k: v for k, v in merged.items() if v is not None}, f)
    with open(os.path.join(out, "config.json"), "w") as f:
        json.dump(config or {}, f)
    return out


def few(seed):
    """Twenty random lines, none of the very long ones."""
    return [x for x in lines(60, seed)[21:] if len(x) < 400][:20]


TEXTS = list(make_checkpoints.NASTY) + ["x</s>y <s> a<unk>b", "[CLS] a [SEP]b[PAD]", "a  <mask>  b", "The <extra_id_0> walks <extra_id_7> in"]


@pytest.mark.parametrize("seed, variant", [(0, "default"), (1, "default"), (0, "heldout")])
@pytest.mark.parametrize("kind", make_checkpoints.TOKENIZERS)
def test_kind(folders, tmp_path, kind, seed, variant):
    same(variant_of(folders(kind, seed, variant), tmp_path / "t"), TEXTS + few(f"{kind}{seed}{variant}"), brief=(seed, variant) != (0, "default"))


CLASSES = {
    "wordpiece": ["BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "ConvBertTokenizer", "ElectraTokenizerFast", "FunnelTokenizer", "MPNetTokenizer", "SplinterTokenizer",
                  "DPRQuestionEncoderTokenizer"],
    "wordpiece_cased": ["BertTokenizer"],
    "gpt2": ["GPT2Tokenizer", "GPT2TokenizerFast", "CodeGenTokenizer", "CohereTokenizer", "GPTNeoXTokenizer", "PreTrainedTokenizerFast", "NoSuchTokenizer"],
    "roberta": ["RobertaTokenizer", "BartTokenizer", "BlenderbotTokenizer", "DebertaTokenizer", "NougatTokenizer", "LEDTokenizerFast"],
    "llama3": ["LlamaTokenizer", "LlamaTokenizerFast", "GPT2Tokenizer"],
    "qwen": ["Qwen2Tokenizer", "Qwen2TokenizerFast", "Qwen3_5Tokenizer"],
    "spm_bpe": ["LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer", "NllbTokenizer", "ReformerTokenizer"],
    "spm_bpe_legacy": ["LlamaTokenizer", "LlamaTokenizerFast"],
    "gemma": ["GemmaTokenizer", "Siglip2Tokenizer", "GemmaTokenizerFast"],
    "clip": ["CLIPTokenizer", "CLIPTokenizerFast"],
    "whisper": ["WhisperTokenizer"],
    "albert": ["AlbertTokenizer", "RemBertTokenizer", "FNetTokenizer"],
    "deberta2": ["DebertaV2Tokenizer", "DebertaV2TokenizerFast"],
    "t5": ["T5Tokenizer"],
    "marian": ["XLMRobertaTokenizer", "CamembertTokenizer", "BarthezTokenizer", "XLNetTokenizer", "XGLMTokenizer", "PegasusTokenizer", "BigBirdTokenizer", "MBartTokenizer", "MBart50Tokenizer"],
}
ROWS = [(kind, name) for kind, names in CLASSES.items() for name in names]


@pytest.mark.parametrize("kind, name", ROWS)
def test_class(folders, tmp_path, kind, name):
    same(variant_of(folders(kind), tmp_path / "t", tokenizer_class=name), TEXTS + few(name), brief=name.endswith("Fast"))


FLAGS = [
    ("wordpiece", {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "tokenize_chinese_chars": False}),
    ("wordpiece", {"tokenizer_class": "BertTokenizer", "strip_accents": False, "padding_side": "left", "clean_up_tokenization_spaces": True}),
    ("gpt2", {"tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True, "clean_up_tokenization_spaces": True}),
    ("roberta", {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True, "trim_offsets": False}),
    ("spm_bpe", {"tokenizer_class": "LlamaTokenizer", "legacy": True}),
    ("spm_bpe", {"tokenizer_class": "LlamaTokenizer", "add_prefix_space": False, "add_eos_token": True}),
    ("spm_bpe", {"extra_special_tokens": ["<new>", "he"], "truncation_side": "left", "model_max_length": 21}),
    ("vlm", {"extra_special_tokens": {"image_token": "<image>", "video_token": "<video>"}}),
    ("gpt2", {"additional_special_tokens": ["<a>", "<b>"], "bos_token": {"__type": "AddedToken", "content": "<bos>", "lstrip": True, "rstrip": True, "normalized": False, "single_word": False}}),
    ("gpt2", {"added_tokens_decoder": {"0": {"content": "<|endoftext|>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False, "special": True},
                                       "900": {"content": "fox", "lstrip": False, "normalized": True, "rstrip": True, "single_word": True, "special": False}}}),
    ("qwen", {"tokenizer_class": "Qwen2Tokenizer", "model_input_names": ["input_ids"], "split_special_tokens": True}),
    ("whisper", {"tokenizer_class": "WhisperTokenizer", "language": "french", "task": "transcribe", "predict_timestamps": True}),
    ("deberta2", {"tokenizer_class": "DebertaV2Tokenizer", "split_by_punct": True, "do_lower_case": True}),
    ("albert", {"tokenizer_class": "AlbertTokenizer", "keep_accents": True, "do_lower_case": False}),
    ("t5", {"tokenizer_class": "T5Tokenizer", "extra_ids": 8}),
    ("modernbert", {"mask_token": "[MASK]", "pad_token": None}),
]


@pytest.mark.parametrize("row", range(len(FLAGS)))
def test_flags(folders, tmp_path, row):
    kind, changes = FLAGS[row]
    same(variant_of(folders(kind), tmp_path / "t", **changes), TEXTS + ["a <new> he<a>b fox <bos> x"] + few(str(row)))


MODEL_TYPES = [("qwen", "qwen2", "TokenizersBackend"), ("qwen", "qwen3", "TokenizersBackend"), ("spm_bpe", "phi3", "LlamaTokenizer"), ("llama3", "llama", "LlamaTokenizer"),
               ("wordpiece", "bert", None), ("gpt2", "gpt2", None), ("gpt2", "falcon", None), ("spm_bpe", "mistral", "LlamaTokenizer"), ("modernbert", "modernbert", "BertTokenizer"),
               ("gpt2", "no_such_type", "GPT2Tokenizer"), ("gpt2", "internlm2", "GPT2Tokenizer"), ("spm_bpe", "gemma2", "LlamaTokenizer"), ("qwen", "qwen3_5", "Qwen2Tokenizer")]


@pytest.mark.parametrize("kind, model_type, name", MODEL_TYPES)
def test_resolution(folders, tmp_path, kind, model_type, name):
    same(variant_of(folders(kind), tmp_path / "t", config={"model_type": model_type}, tokenizer_class=name), TEXTS, brief=True)


@pytest.mark.parametrize("kind", ["gpt2", "spm_bpe", "qwen", "clip"])
def test_legacy_files(folders, tmp_path, kind):
    """No added_tokens_decoder: special_tokens_map.json and added_tokens.json count."""
    out = variant_of(folders(kind), tmp_path / "t")
    with open(out / "special_tokens_map.json", "w") as f:
        json.dump({"pad_token": {"content": "<pad2>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False}, "additional_special_tokens": ["<x1>", "<x2>"]}, f)
    with open(out / "added_tokens.json", "w") as f:
        json.dump({"<x2>": 700, "plain": 701}, f)
    same(out, TEXTS + ["a <pad2> b <x1><x2> plain"])


@pytest.mark.parametrize("kind, name", [("gpt2", None), ("spm_bpe", "LlamaTokenizer"), ("qwen", "Qwen2Tokenizer"), ("roberta", "RobertaTokenizer"), ("wordpiece", "BertTokenizer"),
                                        ("t5", "T5Tokenizer"), ("vlm", None)])
def test_save(folders, tmp_path, kind, name):
    """What save_pretrained writes, Python loads to the same ids."""
    changes = {"tokenizer_class": name} if name else {}
    folder = variant_of(folders(kind), tmp_path / "t", chat_template="{{ messages }}", **changes)
    assert ours(folder, [{"do": "save", "folder": str(tmp_path / "saved")}]) == [True]
    before, after = (transformers.AutoTokenizer.from_pretrained(str(p)) for p in (folder, tmp_path / "saved"))
    assert type(before) is type(after) and before.special_tokens_map == after.special_tokens_map and before.chat_template == after.chat_template
    assert before.model_max_length == after.model_max_length and before.padding_side == after.padding_side
    before.save_pretrained(str(tmp_path / "theirs"))
    theirs, saved = (json.loads((tmp_path / x / "tokenizer.json").read_text()) for x in ("theirs", "saved"))
    assert saved == theirs
    texts = TEXTS + few(kind)
    assert dict(before(texts, return_offsets_mapping=True)) == dict(after(texts, return_offsets_mapping=True))
    assert [before.decode(x) for x in before(texts)["input_ids"]] == [after.decode(x) for x in before(texts)["input_ids"]]
    same(tmp_path / "saved", TEXTS, brief=True)


@pytest.mark.parametrize("kind, name", [("gpt2", "GPT2Tokenizer"), ("roberta", "RobertaTokenizer"), ("clip", "CLIPTokenizer"), ("qwen", "Qwen2Tokenizer")])
def test_vocab_json_and_merges(folders, tmp_path, kind, name):
    folder = variant_of(folders(kind), tmp_path / "t", tokenizer_class=name)
    with open(folder / "tokenizer.json") as f:
        model = json.load(f)["model"]
    os.remove(folder / "tokenizer.json")
    with open(folder / "vocab.json", "w") as f:
        json.dump(model["vocab"], f)
    with open(folder / "merges.txt", "w") as f:
        f.write("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in (m if isinstance(m, list) else m.split(" ") for m in model["merges"])))
    same(folder, TEXTS + few(kind))


@pytest.mark.parametrize("name", ["BertTokenizer", "MPNetTokenizer"])
def test_vocab_txt(folders, tmp_path, name):
    folder = variant_of(folders("wordpiece"), tmp_path / "t", tokenizer_class=name)
    with open(folder / "tokenizer.json") as f:
        vocab = json.load(f)["model"]["vocab"]
    os.remove(folder / "tokenizer.json")
    with open(folder / "vocab.txt", "w") as f:
        f.write("".join(f"{token}\n" for token in sorted(vocab, key=vocab.get)))
    same(folder, TEXTS + few(name))


@pytest.fixture(scope="module")
def sentencepiece_models(tmp_path_factory):
    """{"unigram" or "bpe": a model file} trained on the oracle's corpus."""
    import sentencepiece

    folder = tmp_path_factory.mktemp("sentencepiece")
    with open(folder / "corpus.txt", "w") as f:
        f.write("\n".join(make_checkpoints.SENTENCES.split("\n")))
    out = {}
    orders = {"unigram": {}, "bpe": {}, "pegasus": {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
              "albert": {"pad_id": 0, "unk_id": 1, "bos_id": -1, "eos_id": -1, "control_symbols": ["[CLS]", "[SEP]", "[MASK]"]}}
    for kind, order in orders.items():
        known = {} if "control_symbols" in order else {"user_defined_symbols": ["<sep>", "[NEW]"]}
        sentencepiece.SentencePieceTrainer.train(input=str(folder / "corpus.txt"), model_prefix=str(folder / kind), vocab_size=700 if kind == "bpe" else 560,
                                                 model_type="bpe" if kind == "bpe" else "unigram", byte_fallback=not order, hard_vocab_limit=False, minloglevel=2, **known, **order)
        out[kind] = str(folder / f"{kind}.model")
    return out


SENTENCEPIECE = [("unigram", "T5Tokenizer", "spiece.model"), ("unigram", "XLMRobertaTokenizer", "sentencepiece.bpe.model"),
                 ("unigram", "CamembertTokenizer", "sentencepiece.bpe.model"), ("unigram", "DebertaV2Tokenizer", "spm.model"), ("unigram", "XLNetTokenizer", "spiece.model"),
                 ("pegasus", "PegasusTokenizer", "spiece.model"), ("unigram", "MBartTokenizer", "sentencepiece.bpe.model"), ("unigram", "MBart50Tokenizer", "sentencepiece.bpe.model"),
                 ("bpe", "NllbTokenizer", "sentencepiece.bpe.model"), ("albert", "AlbertTokenizer", "spiece.model"), ("unigram", "BigBirdTokenizer", "spiece.model"),
                 ("unigram", None, "tokenizer.model"), ("bpe", None, "tokenizer.model"), ("bpe", "LlamaTokenizer", "tokenizer.model"), ("bpe", "GemmaTokenizer", "tokenizer.model")]


@pytest.mark.parametrize("kind, name, file", SENTENCEPIECE)
def test_sentencepiece(sentencepiece_models, tmp_path, kind, name, file):
    shutil.copy(sentencepiece_models[kind], tmp_path / file)
    with open(tmp_path / "tokenizer_config.json", "w") as f:
        json.dump({"tokenizer_class": name, "add_bos_token": True} if name else {"add_eos_token": True}, f)
    with open(tmp_path / "config.json", "w") as f:
        json.dump({}, f)
    same(tmp_path, TEXTS + ["a<sep>b [NEW] c"] + few(str(name) + kind))


@pytest.mark.parametrize("name", ["tokenizer.model", "tiktoken.model"])
def test_tiktoken_file(tmp_path, name):
    """Ranks of a byte-level BPE, with added tokens behind them and a gap between."""
    import base64

    import tokenizers as tk

    t = tk.Tokenizer(tk.models.BPE())
    t.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(make_checkpoints.SENTENCES.split("\n"), tk.trainers.BpeTrainer(vocab_size=500, initial_alphabet=make_checkpoints.ALPHABET, show_progress=False))
    vocab, back = t.get_vocab(), {c: b for b, c in bytes_to_unicode().items()}
    with open(tmp_path / name, "wb") as f:
        for token in sorted(vocab, key=vocab.get):
            f.write(base64.b64encode(bytes(back[c] for c in token)) + f" {vocab[token]}\n".encode())
    rows = {str(len(vocab) + i): {"content": c, "lstrip": False, "rstrip": False, "single_word": False, "normalized": False, "special": True} for i, c in ((0, "<|begin|>"), (3, "<|end|>"))}
    with open(tmp_path / "tokenizer_config.json", "w") as f:
        json.dump({"tokenizer_class": "PreTrainedTokenizerFast", "added_tokens_decoder": rows, "bos_token": "<|begin|>", "eos_token": "<|end|>"}, f)
    with open(tmp_path / "config.json", "w") as f:
        json.dump({}, f)
    same(tmp_path, TEXTS + ["a<|begin|>b<|end|> <|reserved_token_501|>"] + few(name))


@pytest.fixture(scope="module")
def byte_ranks():
    """{bytes: rank} of a small byte-level BPE."""
    import tokenizers as tk

    t = tk.Tokenizer(tk.models.BPE())
    t.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(make_checkpoints.SENTENCES.split("\n"), tk.trainers.BpeTrainer(vocab_size=900, initial_alphabet=make_checkpoints.ALPHABET, show_progress=False))
    back = {c: b for b, c in bytes_to_unicode().items()}
    return {bytes(back[c] for c in token): rank for token, rank in t.get_vocab().items()}


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_sentencepiece_file_alone(sentencepiece_models, tmp_path, kind):
    """The file by itself is what transformers makes of a folder with nothing else."""
    shutil.copy(sentencepiece_models[kind], tmp_path / "tokenizer.model")
    (tmp_path / "config.json").write_text("{}")
    t = transformers.AutoTokenizer.from_pretrained(str(tmp_path))
    texts = TEXTS + ["a<sep>b [NEW] c"] + few("alone" + kind)
    ids = [t(x)["input_ids"] for x in texts]
    assert hearth(sentencepiece_models[kind], texts) == ids
    assert hearth(sentencepiece_models[kind], ids, "--decode") == [t.decode(x) for x in ids]


@pytest.mark.parametrize("name", ["r50k_base", "p50k_base", "p50k_edit", "cl100k_base", "o200k_base"])
def test_tiktoken_encodings_by_name(byte_ranks, tmp_path, monkeypatch, name):
    """Pattern and special tokens of tiktoken's own constructors, over ranks that are ours."""
    import base64

    import tiktoken
    import tiktoken_ext.openai_public as public

    monkeypatch.setattr(public, "load_tiktoken_bpe", lambda *args, **kwargs: byte_ranks)
    said = public.ENCODING_CONSTRUCTORS[name]()
    said.pop("explicit_n_vocab", None)
    theirs = tiktoken.Encoding(**said)
    path = tmp_path / f"{name}.tiktoken"
    path.write_bytes(b"".join(base64.b64encode(t) + f" {r}\n".encode() for t, r in sorted(byte_ranks.items(), key=lambda x: x[1])))
    marks = "x<|endoftext|> <|endofprompt|><|fim_prefix|> y"
    texts = TEXTS + [marks, "it's IT'S I'LL 12345 \r\n\n  x", "a  \n", "  "] + few(name)
    assert hearth(str(path), texts) == [theirs.encode(x, allowed_special="all") for x in texts]
    assert hearth(str(path), [marks], "--split-special") == [theirs.encode_ordinary(marks)]
    ids = [theirs.encode_ordinary(x) for x in texts]
    assert hearth(str(path), ids, "--decode") == [theirs.decode(x) for x in ids]


@pytest.mark.parametrize("special", [20, 30])
def test_tekken_file(byte_ranks, tmp_path, special):
    import base64

    from transformers.integrations.mistral.tokenizer import MistralConverter

    pattern = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    vocab = [{"rank": r, "token_bytes": base64.b64encode(t).decode(), "token_str": None} for t, r in sorted(byte_ranks.items(), key=lambda x: x[1])]
    tokens = [{"rank": i, "token_str": t, "is_control": True} for i, t in enumerate(["<unk>", "<s>", "</s>", "[INST]", "[/INST]"] + [f"[{i}]" for i in range(15)])]
    config = {"pattern": pattern, "num_vocab_tokens": len(vocab), "default_vocab_size": 800, "default_num_special_tokens": special, "version": "v3"}
    path = tmp_path / "tekken.json"
    path.write_text(json.dumps({"config": config, "vocab": vocab, "special_tokens": tokens}))
    theirs = MistralConverter(str(path)).converted()
    texts = TEXTS + ["<s>[INST] hi[/INST]<SPECIAL_25>", "12345 \r\n/ x"] + few("tekken")
    ids = [theirs.encode(x).ids for x in texts]
    assert hearth(str(path), texts) == ids
    assert hearth(str(path), ids, "--decode") == [theirs.decode(x, skip_special_tokens=False) for x in ids]


@pytest.mark.parametrize("model_type, config", [("mistral", None), ("mistral", {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>"}), (None, None),
                                                ("ministral3", {"tokenizer_class": "TokenizersBackend", "pad_token": "<SPECIAL_25>", "padding_side": "left"})])
def test_tekken_folder(byte_ranks, tmp_path, model_type, config):
    """A repository in Mistral's own form: tekken.json is all there is."""
    import base64

    vocab = [{"rank": r, "token_bytes": base64.b64encode(t).decode(), "token_str": None} for t, r in sorted(byte_ranks.items(), key=lambda x: x[1])]
    tokens = [{"rank": i, "token_str": t, "is_control": True} for i, t in enumerate(["<unk>", "<s>", "</s>", "[INST]", "[/INST]"])]
    said = {"pattern": r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+", "num_vocab_tokens": len(vocab), "default_vocab_size": 800, "default_num_special_tokens": 30, "version": "v3"}
    (tmp_path / "tekken.json").write_text(json.dumps({"config": said, "vocab": vocab, "special_tokens": tokens}))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type} if model_type else {}))
    if config:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    same(tmp_path, TEXTS + ["<s>[INST] hi[/INST]<SPECIAL_25>", "12345 \r\n/ x"] + few("tekken folder"))


@pytest.mark.parametrize("name, text, told", [
    ("a.tiktoken", "YQ== 0\nYg==", "line 2"), ("a.model", "nothing", "a.model"), ("tekken.json", "{}", "pattern"),
    ("tekken.json", '{"config": {"pattern": "x"}, "vocab": []}', "older form"),
    ("tekken.json", '{"config": {"pattern": "x"}, "vocab": [], "special_tokens": [{"rank": 1, "token_str": "a"}]}', "ranks must be"),
    ("tekken.json", '{"config": {"pattern": "x", "default_num_special_tokens": 1000000000}, "vocab": [], "special_tokens": []}', "default_num_special_tokens")])
def test_broken_single_files(tmp_path, name, text, told):
    (tmp_path / name).write_text(text)
    run = subprocess.run([HEARTH, "tokenize", str(tmp_path / name), "x"], capture_output=True, text=True)
    assert run.returncode == 1 or run.returncode > 1 and run.returncode < 128, run
    assert told in run.stderr and name in run.stderr


def test_decode_answers_line_by_line(folders):
    """A line of ids is a line of text, before the next is there."""
    t = transformers.AutoTokenizer.from_pretrained(str(folders("qwen")))
    run = subprocess.Popen([HEARTH, "tokenize", str(folders("qwen")), "--decode"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for text in ("Hello world", "Grüße"):
        run.stdin.write(" ".join(map(str, t(text)["input_ids"])) + "\n")
        run.stdin.flush()
        assert run.stdout.readline() == text + "\n"
    run.stdin.close()
    assert run.wait(10) == 0 and run.stdout.read() == ""


def test_command(folders, tmp_path):
    """hearth tokenize: a folder as AutoTokenizer reads it, a file or --raw as it is."""
    import tokenizers as tk

    folder = variant_of(folders("spm_bpe"), tmp_path / "t", tokenizer_class="LlamaTokenizer", legacy=True)
    texts = TEXTS + few("command")
    auto, file = transformers.AutoTokenizer.from_pretrained(str(folder)), tk.Tokenizer.from_file(str(folder / "tokenizer.json"))
    as_auto, as_file = [auto(x)["input_ids"] for x in texts], [file.encode(x).ids for x in texts]
    assert as_auto != as_file
    assert hearth(str(folder), texts) == hearth(str(folder / "tokenizer.json"), texts, "--auto") == as_auto
    assert hearth(str(folder / "tokenizer.json"), texts) == hearth(str(folder), texts, "--raw") == as_file
    assert hearth(str(folder), as_auto, "--decode") == [auto.decode(x) for x in as_auto]


def test_command_repository(folders, tmp_path, monkeypatch):
    """By a repository's name, from the cache when no Hub answers."""
    snapshot = tmp_path / "models--alice--tok" / "snapshots" / ("0" * 40)
    variant_of(folders("qwen"), snapshot, config={"model_type": "qwen2"})
    os.makedirs(tmp_path / "models--alice--tok" / "refs")
    (tmp_path / "models--alice--tok" / "refs" / "main").write_text("0" * 40)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    t = transformers.AutoTokenizer.from_pretrained(str(snapshot))
    assert type(t).__name__ == "Qwen2Tokenizer"
    assert hearth("alice/tok", TEXTS) == [t(x)["input_ids"] for x in TEXTS]


MESSAGES = [{"role": "system", "content": " Be brief "}, {"role": "user", "content": "Grüße 你好?"}, {"role": "assistant", "content": "Ja, <b>hier</b> 👍"}, {"role": "user", "content": "more"},
            {"role": "assistant", "content": " No. ", "reasoning_content": "hm hm"}]
SPANS = ("{{ bos_token }}{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content | trim }}{{ eos_token }}{% endgeneration %}"
         "{% else %}{{ m.content }}{% endif %}{% endfor %}{% if tools %}{{ tools | tojson }}{% endif %}{% for d in documents or [] %}[{{ d.title }}]{% endfor %}"
         "{% if add_generation_prompt %}<assistant>{% endif %}{{ extra | default('') }}")
REASON = "{% for m in messages %}<{{ m.role }}>{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}{% endfor %}"
TOOLS = [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}}]


@pytest.mark.parametrize("kind, name", [("spm_bpe", "LlamaTokenizer"), ("llama3", None), ("qwen", "Qwen2Tokenizer"), ("gemma", "GemmaTokenizer")])
def test_chat(folders, tmp_path, kind, name):
    """Named templates, tools, documents, variables, the marks of {% generation %}, an open last message."""
    folder = variant_of(folders(kind), tmp_path / "t", **({"tokenizer_class": name} if name else {}))
    os.makedirs(folder / "additional_chat_templates")
    (folder / "chat_template.jinja").write_text(SPANS)
    (folder / "additional_chat_templates" / "tool_use.jinja").write_text("TOOLS {{ tools | length }}" + SPANS)
    (folder / "additional_chat_templates" / "reason.jinja").write_text(REASON)
    t = transformers.AutoTokenizer.from_pretrained(str(folder))
    cases = [{}, {"tools": TOOLS}, {"documents": [{"title": "T", "text": "x"}]}, {"add_generation_prompt": True}, {"chat_template": "reason"}, {"chat_template": "no {{ eos_token }} name"},
             {"continue_final_message": True}, {"continue_final_message": "reasoning_content", "chat_template": "reason"}, {"continue_final_message": "tool_calls"},
             {"continue_final_message": True, "add_generation_prompt": True}, {"continue_final_message": "reasoning_content"}]
    requests = [{"do": "chat", "messages": MESSAGES, "variables": {"extra": "!"}, **case} for case in cases]
    for case, answer in zip(cases, ours(folder, requests)):
        try:
            expected = t.apply_chat_template(MESSAGES, tokenize=False, extra="!", **case)
        except ValueError:
            expected = None
        assert (answer == expected) if expected is not None else "error" in answer, case
    chats = [MESSAGES, MESSAGES[:3], MESSAGES[1:2], MESSAGES[2:3]]
    for options in ({}, {"padding": True}, {"truncation": True, "max_length": 20}, {"padding": True, "padding_side": "left"}):
        (answer,) = ours(folder, [{"do": "chat", "tokenize": True, "return_assistant_tokens_mask": True, "messages": chats, "options": options}])
        known = {k: v for k, v in options.items() if k != "padding_side"}
        expected = t.apply_chat_template(chats, return_assistant_tokens_mask=True, return_dict=True, **known,
                                         tokenizer_kwargs={k: v for k, v in options.items() if k == "padding_side"})
        assert answer == plain(dict(expected)), options


def test_chat_list_of_templates(folders, tmp_path):
    """Older repositories: a list of {name, template} in tokenizer_config.json."""
    rows = [{"name": "default", "template": "D{{ messages[0].content }}"}, {"name": "rag", "template": "R{{ documents[0].title }}"}]
    folder = variant_of(folders("gpt2"), tmp_path / "t", chat_template=rows)
    t = transformers.AutoTokenizer.from_pretrained(str(folder))
    chat = {"do": "chat", "messages": MESSAGES, "documents": [{"title": "T"}]}
    assert ours(folder, [chat, {**chat, "chat_template": "rag"}]) == [t.apply_chat_template(MESSAGES, tokenize=False),
                                                                      t.apply_chat_template(MESSAGES, tokenize=False, chat_template="rag", documents=[{"title": "T"}])]
    nameless = variant_of(folders("gpt2"), tmp_path / "n", chat_template=rows[1:])
    (answer,) = ours(nameless, [chat])
    assert "rag" in answer["error"]


@pytest.mark.parametrize("changes, message", [({"tokenizer_class": "CanineTokenizer"}, "CanineTokenizer tokenizes in Python code of its own"),
                                              ({"auto_map": {"AutoTokenizer": ["tok.Tok", None]}, "tokenizer_class": "OwnTokenizer"}, "auto_map"),
                                              ({"tokenizer_class": "T5Tokenizer"}, "T5Tokenizer needs a Unigram vocabulary"),
                                              ({"padding_side": "up"}, "padding_side 'up' is not known")])
def test_refused(folders, tmp_path, changes, message):
    folder = variant_of(folders("gpt2"), tmp_path / "t", **changes)
    run = subprocess.run([DRIVER, str(folder)], capture_output=True, text=True)
    assert run.returncode == 1 and message in run.stderr, run.stderr
