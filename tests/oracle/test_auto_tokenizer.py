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
from tokenizer_cases import BUILD, lines

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


def same(folder, texts, kwargs=None, name_or_path=None):
    """Everything that both say of one folder."""
    t = transformers.AutoTokenizer.from_pretrained(str(folder), **(kwargs or {}))
    short = [x for x in texts if len(x) < 120][:48]
    r = random.Random(len(texts))
    pairs = [r.choice(short) for _ in short]
    requests = [{"do": "about"}]
    requests += [{"do": "call", "texts": texts if i < 2 else short, "options": o} for i, o in enumerate(CALLS)]
    requests += [{"do": "call", "texts": short[1:], "pairs": pairs[1:], "options": o} for o in CALLS[:3] + CALLS[6:9] + [{"truncation": "only_second", "max_length": 14}]]
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
                for row in ids[:30] + [list(range(0, min(len(t), 400)))] for skip in (False, True) for clean in (None, True)]
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
@pytest.mark.parametrize("kind", ["roberta", "gpt2", "modernbert", "llama3", "qwen", "spm_bpe", "spm_bpe_legacy", "gemma", "vlm", "clip", "whisper"])
def test_kind(folders, tmp_path, kind, seed, variant):
    same(variant_of(folders(kind, seed, variant), tmp_path / "t"), TEXTS + few(f"{kind}{seed}{variant}"))


CLASSES = {
    "gpt2": ["GPT2Tokenizer", "GPT2TokenizerFast", "CodeGenTokenizer", "CohereTokenizer", "GPTNeoXTokenizer", "PreTrainedTokenizerFast", "NoSuchTokenizer"],
    "roberta": ["RobertaTokenizer", "BartTokenizer", "BlenderbotTokenizer", "DebertaTokenizer", "NougatTokenizer", "LEDTokenizerFast"],
    "llama3": ["LlamaTokenizer", "LlamaTokenizerFast", "GPT2Tokenizer"],
    "qwen": ["Qwen2Tokenizer", "Qwen2TokenizerFast", "Qwen3_5Tokenizer"],
    "spm_bpe": ["LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer"],
    "spm_bpe_legacy": ["LlamaTokenizer", "LlamaTokenizerFast"],
    "gemma": ["GemmaTokenizer", "Siglip2Tokenizer", "GemmaTokenizerFast"],
    "clip": ["CLIPTokenizer", "CLIPTokenizerFast"],
    "whisper": ["WhisperTokenizer"],
}
ROWS = [(kind, name) for kind, names in CLASSES.items() for name in names]


@pytest.mark.parametrize("kind, name", ROWS)
def test_class(folders, tmp_path, kind, name):
    same(variant_of(folders(kind), tmp_path / "t", tokenizer_class=name), TEXTS + few(name))


FLAGS = [
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
    ("modernbert", {"mask_token": "[MASK]", "pad_token": None}),
]


@pytest.mark.parametrize("row", range(len(FLAGS)))
def test_flags(folders, tmp_path, row):
    kind, changes = FLAGS[row]
    same(variant_of(folders(kind), tmp_path / "t", **changes), TEXTS + ["a <new> he<a>b fox <bos> x"] + few(str(row)))


MODEL_TYPES = [("qwen", "qwen2", "TokenizersBackend"), ("qwen", "qwen3", "TokenizersBackend"), ("spm_bpe", "phi3", "LlamaTokenizer"), ("llama3", "llama", "LlamaTokenizer"),
               ("gpt2", "gpt2", None), ("gpt2", "falcon", None), ("spm_bpe", "mistral", "LlamaTokenizer"), 
               ("gpt2", "no_such_type", "GPT2Tokenizer"), ("gpt2", "internlm2", "GPT2Tokenizer"), ("spm_bpe", "gemma2", "LlamaTokenizer"), ("qwen", "qwen3_5", "Qwen2Tokenizer")]


@pytest.mark.parametrize("kind, model_type, name", MODEL_TYPES)
def test_resolution(folders, tmp_path, kind, model_type, name):
    same(variant_of(folders(kind), tmp_path / "t", config={"model_type": model_type}, tokenizer_class=name), TEXTS)


@pytest.mark.parametrize("kind", ["gpt2", "spm_bpe", "qwen", "clip"])
def test_legacy_files(folders, tmp_path, kind):
    """No added_tokens_decoder: special_tokens_map.json and added_tokens.json count."""
    out = variant_of(folders(kind), tmp_path / "t")
    with open(out / "special_tokens_map.json", "w") as f:
        json.dump({"pad_token": {"content": "<pad2>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False}, "additional_special_tokens": ["<x1>", "<x2>"]}, f)
    with open(out / "added_tokens.json", "w") as f:
        json.dump({"<x2>": 700, "plain": 701}, f)
    same(out, TEXTS + ["a <pad2> b <x1><x2> plain"])


@pytest.mark.parametrize("kind, name", [("gpt2", None), ("spm_bpe", "LlamaTokenizer"), ("qwen", "Qwen2Tokenizer"), ("roberta", "RobertaTokenizer"), ("vlm", None)])
def test_save(folders, tmp_path, kind, name):
    """What save_pretrained writes, Python loads to the same ids."""
    changes = {"tokenizer_class": name} if name else {}
    folder = variant_of(folders(kind), tmp_path / "t", chat_template="{{ messages }}", **changes)
    assert ours(folder, [{"do": "save", "folder": str(tmp_path / "saved")}]) == [True]
    before, after = (transformers.AutoTokenizer.from_pretrained(str(p)) for p in (folder, tmp_path / "saved"))
    assert type(before) is type(after) and before.special_tokens_map == after.special_tokens_map and before.chat_template == after.chat_template
    assert before.model_max_length == after.model_max_length and before.padding_side == after.padding_side
    texts = TEXTS + few(kind)
    assert dict(before(texts, return_offsets_mapping=True)) == dict(after(texts, return_offsets_mapping=True))
    assert [before.decode(x) for x in before(texts)["input_ids"]] == [after.decode(x) for x in before(texts)["input_ids"]]
    same(tmp_path / "saved", TEXTS)


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
