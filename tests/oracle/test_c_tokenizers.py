"""The C interface of the tokenizers beside the Python package `tokenizers`: bindings/c/tokenize.c, a C99 program, is both
its example and what this test runs."""
import os
import pathlib
import subprocess

import pytest
import tokenizers as tk

root = pathlib.Path(__file__).resolve().parents[2]
build = pathlib.Path(os.environ.get("HEARTH_BUILD", root / "build"))
TEXTS = ["Hello, world! This is it.", "", "  two  spaces ", "naïve café ΑΒΓ 日本語 🤗👩‍👩‍👧", "a" * 60, "[MASK] <s> x</s>y", "1234567 don't\n\tstop", "a\0b"]


def byte_level():
    t = tk.Tokenizer(tk.models.BPE())
    t.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = tk.decoders.ByteLevel()
    t.train_from_iterator(TEXTS * 3, tk.trainers.BpeTrainer(vocab_size=400, show_progress=False, special_tokens=["<s>", "</s>"],
                                                            initial_alphabet=tk.pre_tokenizers.ByteLevel.alphabet()))
    return t


def bert():
    t = tk.Tokenizer(tk.models.WordPiece(unk_token="[UNK]"))
    t.normalizer = tk.normalizers.BertNormalizer()
    t.pre_tokenizer = tk.pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(TEXTS * 3, tk.trainers.WordPieceTrainer(vocab_size=200, show_progress=False,
                                                                  special_tokens=["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]))
    t.post_processor = tk.processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
                                                        special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    t.decoder = tk.decoders.WordPiece()
    return t


@pytest.mark.parametrize("make", [byte_level, bert])
def test_c_interface(tmp_path, make):
    t = make()
    path = str(tmp_path / "tokenizer.json")
    t.save(path)
    for text in TEXTS:
        done = subprocess.run([build / "tests" / "tokenize_c", path], input=text.encode(), capture_output=True, check=True)
        e = t.encode(text)
        lines = done.stdout.decode().split("\n")
        rows = [line.split("\t") for line in lines[: len(e)]]
        assert [[int(r[0]), *map(int, r[2:])] for r in rows] == [
            [i, *o, -1 if w is None else w, m, -1 if s is None else s]
            for i, o, w, m, s in zip(e.ids, e.offsets, e.word_ids, e.special_tokens_mask, e.sequence_ids)]
        decoded = t.decode(e.ids)
        assert "\n".join(lines[len(e):-2]) == f"{decoded}\n{decoded}"
        assert lines[-2] == f"{max(t.get_vocab().values()) + 1} ids in the vocabulary"


def test_errors_are_told(tmp_path):
    path = tmp_path / "tokenizer.json"
    for content, told in ((b"{", b"not JSON"), (b"[]", b"a tokenizer.json is an object")):
        path.write_bytes(content)
        done = subprocess.run([build / "tests" / "tokenize_c", path], input=b"", capture_output=True)
        assert done.returncode == 1 and b"load: " in done.stderr and told in done.stderr, done.stderr
    bert().save(str(path))
    done = subprocess.run([build / "tests" / "tokenize_c", path], input=b"\xff", capture_output=True)
    assert done.returncode == 1 and b"encode: " in done.stderr


def test_only_the_interface_is_exported():
    names = subprocess.run(["nm", "-D", "--defined-only", build / "lib" / "libhearth_tokenizers.so"], capture_output=True, text=True, check=True)
    assert len(names.stdout.splitlines()) > 20
    assert all(line.split()[-1].startswith("hearth_") for line in names.stdout.splitlines())
