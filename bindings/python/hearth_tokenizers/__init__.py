"""Hearth's tokenizers with the calls of Hugging Face's `tokenizers` 0.23: the same arguments, the same results."""
import json

from . import _core, _show
from ._core import Encoding, __version__
from ._parts import KINDS, Regex, as_part, part_from
from . import decoders, models, normalizers, pre_tokenizers, processors, trainers
from .models import Token

__all__ = ["AddedToken", "Encoding", "Regex", "Token", "Tokenizer", "decoders", "models", "normalizers", "pre_tokenizers", "processors", "trainers"]

_STRATEGIES = {"longest_first": "LongestFirst", "only_first": "OnlyFirst", "only_second": "OnlySecond"}
_FLAGS = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")


class AddedToken:
    """A token that is cut out of the text before the model sees it; the flags are the original's."""

    def __init__(self, content=None, *, single_word=False, lstrip=False, rstrip=False, normalized=None, special=False, **kwargs):
        for name in kwargs:
            print(f"Ignored unknown kwarg option {name}")
        self.content, self.special = content or "", bool(special)
        self._single_word, self._lstrip, self._rstrip, self._normalized = bool(single_word), bool(lstrip), bool(rstrip), normalized

    single_word = property(lambda self: self._single_word)
    lstrip = property(lambda self: self._lstrip)
    rstrip = property(lambda self: self._rstrip)

    @property
    def normalized(self):
        return not self.special if self._normalized is None else bool(self._normalized)

    def _flags(self):
        return tuple(getattr(self, name) for name in _FLAGS)

    def __getstate__(self):
        return dict(zip(_FLAGS, self._flags()))

    def __setstate__(self, state):
        self.__init__(**state)

    def __eq__(self, other):
        return self._flags() == other._flags() if isinstance(other, AddedToken) else NotImplemented

    def __hash__(self):
        return hash(self._flags())

    def __str__(self):
        return self.content

    def __repr__(self):
        return (f'AddedToken("{self.content}", rstrip={self.rstrip}, lstrip={self.lstrip}, single_word={self.single_word}, '
                f"normalized={self.normalized}, special={self.special})")


def _in_a_thread(name):
    async def method(self, *args, **kwargs):
        import asyncio  # takes longer to load than all of this package
        return await asyncio.to_thread(getattr(self, name), *args, **kwargs)
    method.__name__, method.__doc__ = f"async_{name}", f"{name}(), for a coroutine to await: other tasks run meanwhile."
    return method


def _part_property(number, kind):
    def get(self):
        if kind not in self._parts:
            part = part_from(kind, json.loads(self._part(number)))
            if part is not None:
                part._owned(self)
            self._parts[kind] = part
        return self._parts[kind]

    def set(self, value):
        part = None if value is None else as_part(kind, value)
        self._set_part(number, json.dumps(None if part is None else part._json()))
        self._parts[kind] = part
        if part is not None:
            part._owned(self)

    return property(get, set)


class Tokenizer(_core.Tokenizer):
    """A tokenizer whose parts, tokens and settings can be changed. A change costs the next call some milliseconds; what it
    did not touch is kept. Threads may encode at once (the GIL is released); changes are for one thread at a time."""

    def __init__(self, model):
        self._parts = {}
        model = as_part(None, model)
        super().__init__(json.dumps(model._json()), False)
        self._parts["model"] = model
        model._owned(self)

    @classmethod
    def _of_json(cls, text):
        self = cls.__new__(cls)
        self._parts = {}
        _core.Tokenizer.__init__(self, text, True)
        truncation, padding = (json.loads(setting) for setting in self._settings())
        if truncation is not None:
            names = {v: k for k, v in _STRATEGIES.items()}
            self.enable_truncation(truncation["max_length"], stride=truncation["stride"], strategy=names[truncation["strategy"]],
                                   direction=truncation.get("direction", "Right").lower())
        if padding is not None:
            length = padding["strategy"]["Fixed"] if isinstance(padding["strategy"], dict) else None
            self.enable_padding(padding.get("direction", "Right").lower(), padding["pad_id"], padding["pad_type_id"], padding["pad_token"],
                                length, padding.get("pad_to_multiple_of"))
        return self

    @classmethod
    def from_str(cls, json: str) -> "Tokenizer":
        """Of the text of a tokenizer.json."""
        return cls._of_json(json)

    @classmethod
    def from_file(cls, path) -> "Tokenizer":
        """Of a tokenizer.json."""
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except OSError as error:
            raise Exception(f"{error.strerror} (os error {error.errno}): {path}") from None
        return cls._of_json(text)

    @classmethod
    def from_buffer(cls, buffer: bytes) -> "Tokenizer":
        """Of the bytes of a tokenizer.json."""
        if not isinstance(buffer, (bytes, bytearray, memoryview)):
            raise TypeError(f"'{type(buffer).__name__}' object is not an instance of 'bytes'")
        try:
            return cls._of_json(bytes(buffer).decode())
        except Exception as error:
            raise ValueError(f"Cannot instantiate Tokenizer from buffer: {error}") from None

    @classmethod
    def from_pretrained(cls, identifier: str, revision: str = "main", token: "str | None" = None) -> "Tokenizer":
        """The tokenizer.json of a repository, by huggingface_hub (which must be installed, and follows HF_ENDPOINT)."""
        from huggingface_hub import hf_hub_download
        return cls.from_file(hf_hub_download(identifier, "tokenizer.json", revision=revision, token=token))

    async_encode = _in_a_thread("encode")
    async_encode_batch = _in_a_thread("encode_batch")
    async_encode_batch_fast = _in_a_thread("encode_batch_fast")
    async_decode_batch = _in_a_thread("decode_batch")

    normalizer = _part_property(0, "normalizer")
    pre_tokenizer = _part_property(1, "pre_tokenizer")
    post_processor = _part_property(2, "post_processor")
    decoder = _part_property(3, "decoder")

    @property
    def model(self):
        if "model" not in self._parts:
            self._parts["model"] = part_from(None, json.loads(self._model()))
            self._parts["model"]._owned(self)
        return self._parts["model"]

    @model.setter
    def model(self, value):
        model = as_part(None, value)
        self._set_model(json.dumps(model._json()))
        self._parts["model"] = model
        model._owned(self)

    def _part_changed(self, part):
        for kind, own in self._parts.items():
            if own is part:
                if kind == "model":
                    self._set_model(json.dumps(part._json()))
                else:
                    self._set_part(KINDS.index(kind), json.dumps(part._json()))

    def to_str(self, pretty: bool = False) -> str:
        """The tokenizer.json."""
        return self._to_str(pretty)

    def save(self, path, pretty: bool = True) -> None:
        """Writes the tokenizer.json."""
        text = self.to_str(pretty)
        try:
            with open(path, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise Exception(f"{error.strerror} (os error {error.errno}): {path}") from None

    def __getstate__(self):
        return self.to_str().encode()

    def __setstate__(self, state):
        self.__dict__.update(type(self)._of_json(state.decode()).__dict__)

    def __reduce__(self):
        return type(self).from_buffer, (self.__getstate__(),)

    def __repr__(self):
        return _show.as_repr.struct("Tokenizer", json.loads(self.to_str()))

    def __str__(self):
        return _show.as_str.struct("Tokenizer", json.loads(self.to_str()))

    def _add(self, tokens, special):
        if not isinstance(tokens, list):
            raise TypeError(f"'{type(tokens).__name__}' object is not an instance of 'list'")
        rows = []
        for token in tokens:
            if isinstance(token, str):
                rows.append(AddedToken(token, special=special)._flags())
            elif hasattr(token, "content") and hasattr(token, "single_word"):
                if special:
                    token.special = True
                rows.append(tuple(getattr(token, name) for name in _FLAGS))
            else:
                raise TypeError("Input must be a List[Union[str, AddedToken]]")
        return sum(self._add_tokens(*row) for row in rows)

    def add_tokens(self, tokens: list) -> int:
        """Adds str or AddedToken, to be cut out of texts before the model sees them; gives how many were new or changed."""
        return self._add(tokens, False)

    def add_special_tokens(self, tokens: list) -> int:
        """The same, and decoding can leave them out."""
        return self._add(tokens, True)

    def get_added_tokens_decoder(self) -> "dict[int, AddedToken]":
        """The added tokens by id."""
        return {row[0]: AddedToken(**dict(zip(_FLAGS, row[1:]))) for row in self._added_tokens()}

    def enable_truncation(self, max_length: int, stride: int = 0, strategy: str = "longest_first", direction: str = "right", **kwargs) -> None:
        """Cuts to `max_length` ids, special tokens among them. What goes is in Encoding.overflowing, each piece sharing `stride` ids
        with its neighbour; `strategy` (longest_first, only_first, only_second) says of which text of a pair."""
        for name in kwargs:
            print(f"Ignored unknown kwarg option {name}")
        if max_length < 0 or stride < 0:
            raise OverflowError("can't convert negative int to unsigned")
        if strategy not in _STRATEGIES:
            raise ValueError(f"Unknown `strategy`: `{strategy}`. Use one of `longest_first`, `only_first`, or `only_second`")
        if direction not in ("left", "right"):
            raise ValueError(f"Unknown `direction`: `{direction}`. Use one of `left` or `right`.")
        added = self.num_special_tokens_to_add(False)
        if max_length > 0 and stride >= max_length - added:
            raise ValueError(f"tokenizer stride set to {stride}, which is greater than or equal to its effective max length of "
                             f"{max_length - added} (= {max_length} original max length - {added} added special tokens), ")
        row = {"direction": direction.title(), "max_length": max_length, "strategy": _STRATEGIES[strategy], "stride": stride}
        self._set_truncation(json.dumps(row), max_length, stride, list(_STRATEGIES).index(strategy), direction == "left")
        self._truncation = {"max_length": max_length, "stride": stride, "strategy": strategy, "direction": direction}

    def no_truncation(self) -> None:
        """Ends enable_truncation()."""
        self._set_truncation("null", None, 0, 0, False)
        self._truncation = None

    def enable_padding(self, direction: str = "right", pad_id: int = 0, pad_type_id: int = 0, pad_token: str = "[PAD]",
                       length: "int | None" = None, pad_to_multiple_of: "int | None" = None, **kwargs) -> None:
        """Pads to `length`, else to the longest of a batch."""
        for name in kwargs:
            print(f"Ignored unknown kwarg option {name}")
        if direction not in ("left", "right"):
            raise ValueError(f"Unknown `direction`: `{direction}`. Use one of `left` or `right`")
        row = {"strategy": "BatchLongest" if length is None else {"Fixed": length}, "direction": direction.title(),
               "pad_to_multiple_of": pad_to_multiple_of, "pad_id": pad_id, "pad_type_id": pad_type_id, "pad_token": pad_token}
        self._set_padding(json.dumps(row), length, pad_to_multiple_of or 0, pad_id, pad_type_id, pad_token, direction == "left")
        self._padding = {"length": length, "pad_to_multiple_of": pad_to_multiple_of, "pad_id": pad_id, "pad_token": pad_token,
                         "pad_type_id": pad_type_id, "direction": direction}

    def no_padding(self) -> None:
        """Ends enable_padding()."""
        self._set_padding("null", None, 0, 0, 0, "", False)
        self._padding = None

    @property
    def truncation(self) -> "dict | None":
        """The arguments of enable_truncation()."""
        return dict(self._truncation) if self.__dict__.get("_truncation") else None

    @property
    def padding(self) -> "dict | None":
        """The arguments of enable_padding()."""
        return dict(self._padding) if self.__dict__.get("_padding") else None

    def train(self, files: "list[str]", trainer=None) -> None:
        """Gives the model a vocabulary learnt from text files, each line a text."""
        for path in files:
            if not hasattr(path, "__fspath__") and not isinstance(path, str):
                raise TypeError(f"'{type(path).__name__}' object is not an instance of 'str'")
        self._trained(trainer, [str(path) for path in files], None)

    def train_from_iterator(self, iterator, trainer=None, length: "int | None" = None) -> None:
        """The same from any iterable of str, or of lists of str. `length` is not needed."""
        def texts():
            for entry in iterator:
                if isinstance(entry, str):
                    yield entry
                else:
                    yield from entry
        self._trained(trainer, None, texts())

    def _trained(self, trainer, files, texts):
        options = json.dumps((trainer or self.model.get_trainer())._options())
        state = self._of_json(_core.train(self.to_str(), options, files, texts))
        self._set_model(state._model())
        self._parts.pop("model", None)
        self.add_special_tokens([token for token in state.get_added_tokens_decoder().values() if token.special])
        self.add_tokens([token for token in state.get_added_tokens_decoder().values() if not token.special])
