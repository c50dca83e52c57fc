"""tokenizers.models. A model is its JSON; what it does with a text, a tokenizer of nothing but it does."""
import json
import os

from . import _core
from ._parts import Part


class Token:
    """A token of Model.tokenize(): its offsets are bytes, as the original's."""

    __slots__ = ("id", "value", "offsets")

    def __init__(self, id, value, offsets):
        self.id, self.value, self.offsets = id, value, offsets

    def as_tuple(self):
        return self.id, self.value, self.offsets


def _warn_unknown(kwargs):
    for name in kwargs:
        print(f"Ignored unknown kwarg option {name}")


class Model(Part):
    _kind = None

    def _check(self, config):
        try:
            _core.Tokenizer(json.dumps(config), False)
        except Exception as error:
            raise Exception(f"Error while initializing {config['type']}: {error}") from None

    @property
    def _tokenizer(self):
        if self._built is None:
            self._built = _core.Tokenizer(json.dumps(self._json()), False)
        return self._built

    def tokenize(self, sequence):
        encoding = self._tokenizer.encode(sequence)
        ends = [0]
        for character in sequence:
            ends.append(ends[-1] + len(character.encode()))
        rows = zip(encoding.ids, encoding.tokens, encoding.offsets)
        return [Token(i, t, (ends[begin], ends[end])) for i, t, (begin, end) in rows]

    def token_to_id(self, token):
        return self._tokenizer.token_to_id(token)

    def id_to_token(self, id):
        return self._tokenizer.id_to_token(id)

    def _write(self, folder, prefix, names_and_texts):
        if not os.path.isdir(folder):
            raise Exception(f"No such file or directory: {folder}")
        out = []
        for name, text in names_and_texts:
            out.append(os.path.join(folder, f"{prefix}-{name}" if prefix else name))
            with open(out[-1], "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
        return out

    def _vocab_json(self):
        rows = sorted(self._config["vocab"].items(), key=lambda row: row[1])
        return json.dumps(dict(rows), ensure_ascii=False, separators=(",", ":"))

    def get_trainer(self):
        from . import trainers
        return getattr(trainers, {"BPE": "BpeTrainer"}.get(self._type, self._type + "Trainer"))()


class BPE(Model, type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
          fuse_unk=False, byte_fallback=False, ignore_merges=False, vocab=None, merges=None):
    def __init__(self, vocab=None, merges=None, cache_capacity=None, dropout=None, unk_token=None, continuing_subword_prefix=None,
                 end_of_word_suffix=None, fuse_unk=None, byte_fallback=False, ignore_merges=False, **kwargs):
        _warn_unknown(kwargs)
        if (vocab is None) != (merges is None):
            raise ValueError("`vocab` and `merges` must be both specified")
        if isinstance(vocab, str):
            vocab, merges = self.read_file(vocab, merges)
        super().__init__(dropout=dropout, unk_token=unk_token, continuing_subword_prefix=continuing_subword_prefix,
                         end_of_word_suffix=end_of_word_suffix, fuse_unk=bool(fuse_unk), byte_fallback=byte_fallback,
                         ignore_merges=ignore_merges, vocab=dict(vocab or {}), merges=[list(m) for m in merges or ()])

    @staticmethod
    def read_file(vocab, merges):
        try:
            with open(vocab, encoding="utf-8") as file:
                rows = json.load(file)
            with open(merges, encoding="utf-8") as file:
                lines = file.read().split("\n")
        except OSError as error:
            raise Exception(f"Error while initializing BPE: {error}") from None
        pairs = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
        return rows, pairs

    @classmethod
    def from_file(cls, vocab, merges, **kwargs):
        return cls(*cls.read_file(vocab, merges), **kwargs)

    def save(self, folder, prefix=None, name=None):
        merges = [m.split(" ", 1) if isinstance(m, str) else m for m in self._config["merges"]]
        text = "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges)
        return self._write(folder, prefix or name, [("vocab.json", self._vocab_json()), ("merges.txt", text)])


class WordPiece(Model, type="WordPiece", unk_token="[UNK]", continuing_subword_prefix="##", max_input_chars_per_word=100, vocab=None):
    def __init__(self, vocab=None, unk_token="[UNK]", max_input_chars_per_word=100, continuing_subword_prefix="##", **kwargs):
        _warn_unknown(kwargs)
        if isinstance(vocab, str):
            vocab = self.read_file(vocab)
        super().__init__(unk_token=unk_token, continuing_subword_prefix=continuing_subword_prefix,
                         max_input_chars_per_word=max_input_chars_per_word, vocab=dict(vocab or {}))

    @staticmethod
    def read_file(vocab):
        try:
            with open(vocab, encoding="utf-8") as file:
                return {line.rstrip("\n").rstrip(): i for i, line in enumerate(file)}
        except OSError as error:
            raise Exception(f"Error while initializing WordPiece: {error}") from None

    @classmethod
    def from_file(cls, vocab, **kwargs):
        return cls(cls.read_file(vocab), **kwargs)

    def save(self, folder, prefix=None, name=None):
        rows = sorted(self._config["vocab"].items(), key=lambda row: row[1])
        return self._write(folder, prefix or name, [("vocab.txt", "".join(f"{token}\n" for token, _ in rows))])


class WordLevel(Model, type="WordLevel", vocab=None, unk_token="<unk>"):
    def __init__(self, vocab=None, unk_token="<unk>"):
        if isinstance(vocab, str):
            vocab = self.read_file(vocab)
        super().__init__(vocab=dict(vocab or {}), unk_token=unk_token)

    @staticmethod
    def read_file(vocab):
        try:
            with open(vocab, encoding="utf-8") as file:
                return json.load(file)
        except OSError as error:
            raise Exception(f"Error while initializing WordLevel: {error}") from None

    @classmethod
    def from_file(cls, vocab, unk_token="<unk>"):
        return cls(cls.read_file(vocab), unk_token)

    def save(self, folder, prefix=None, name=None):
        return self._write(folder, prefix or name, [("vocab.json", self._vocab_json())])


class Unigram(Model, type="Unigram", unk_id=None, vocab=None, byte_fallback=False):
    def __init__(self, vocab=None, unk_id=None, byte_fallback=False):
        super().__init__(unk_id=unk_id if vocab else 0, vocab=[list(row) for row in vocab or [("<unk>", 0.0)]], byte_fallback=bool(byte_fallback))

    def save(self, folder, prefix=None, name=None):
        return self._write(folder, prefix or name, [("unigram.json", json.dumps(self._config, ensure_ascii=False, separators=(",", ":")))])
