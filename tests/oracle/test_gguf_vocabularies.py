"""The vocabularies of real models that llama.cpp's sources carry as GGUF, with texts and the ids that are expected."""
import os

import pytest

import fetch_llama_data
from tokenizer_cases import hearth

MARK = "\n__ggml_vocab_test__\n"
WITH_IDS = ["bert-bge", "command-r", "deepseek-coder", "deepseek-llm", "falcon", "gemma-4", "gpt-2", "llama-bpe", "llama-spm", "mpt", "phi-3", "qwen2", "qwen35", "refact", "starcoder"]
ALL = WITH_IDS + ["aquila", "baichuan", "gpt-neox", "nomic-bert-moe"]


@pytest.fixture(scope="module")
def data():
    return fetch_llama_data.fetch()


@pytest.mark.parametrize("name", WITH_IDS)
def test_expected_ids(data, name):
    path = os.path.join(data, f"ggml-vocab-{name}.gguf")
    with open(path + ".inp", encoding="utf-8", newline="") as f:
        texts = f.read().split(MARK)
    with open(path + ".out", encoding="utf-8") as f:
        expected = [[int(x) for x in row.split()] for row in f.read().split("\n")]
    texts, expected = texts[: len(expected)], expected[: len(texts)]
    if texts[-1] == "":
        texts, expected = texts[:-1], expected[:-1]
    assert len(texts) > 40
    assert hearth(path, texts, "--no-special") == expected


@pytest.mark.parametrize("name", ALL)
def test_decodes_what_it_encodes(data, name):
    path = os.path.join(data, f"ggml-vocab-{name}.gguf")
    texts = ["Hello, y'all! How are you 😁 ?我想在apple工作1314151天～", "def f(x):\n\treturn x  # 漢字", "naïve café Ⅷ"]
    if name in ("bert-bge", "nomic-bert-moe"):  # they normalize
        texts = ["hello world", "the quick brown fox"]
    assert hearth(path, hearth(path, texts, "--no-special"), "--decode", "--no-special") == texts
