"""tokenizers.decoders."""
from . import _core
from ._parts import Part, SequenceOf, pattern as _pattern


class Decoder(Part):
    _kind = "decoder"

    def decode(self, tokens):
        return self._core_part.decode(list(tokens))


class BPEDecoder(Decoder, type="BPEDecoder", suffix="</w>"):
    def __init__(self, suffix="</w>"):
        super().__init__(suffix=suffix)


class ByteFallback(Decoder, type="ByteFallback"):
    pass


class ByteLevel(Decoder, type="ByteLevel", add_prefix_space=True, trim_offsets=True, use_regex=True):
    def __init__(self, **_kwargs):
        super().__init__()


class CTC(Decoder, type="CTC", pad_token="<pad>", word_delimiter_token="|", cleanup=True):
    def __init__(self, pad_token="<pad>", word_delimiter_token="|", cleanup=True):
        super().__init__(pad_token=pad_token, word_delimiter_token=word_delimiter_token, cleanup=cleanup)


class Fuse(Decoder, type="Fuse"):
    pass


class Metaspace(Decoder, type="Metaspace", replacement="▁", prepend_scheme="always", split=True):
    def __init__(self, replacement="▁", prepend_scheme="always", split=True):
        super().__init__(replacement=replacement, prepend_scheme=prepend_scheme, split=split)


class Replace(Decoder, type="Replace", pattern=None, content=""):
    def __init__(self, pattern, content):
        super().__init__(pattern=_pattern(pattern), content=content)


class Strip(Decoder, type="Strip", content=" ", start=0, stop=0):
    def __init__(self, content=" ", left=0, right=0):
        super().__init__(content=content, start=left, stop=right)


class WordPiece(Decoder, type="WordPiece", prefix="##", cleanup=True):
    def __init__(self, prefix="##", cleanup=True):
        super().__init__(prefix=prefix, cleanup=cleanup)


class Sequence(SequenceOf, Decoder, type="Sequence"):
    _key, _flat = "decoders", False

    def __init__(self, decoders):
        super().__init__(decoders)


class DecodeStream:
    """Decodes as the ids come; step() gives the text that is complete now, or None, never half a character."""

    def __init__(self, ids=None, skip_special_tokens=False):
        self._ids, self._skip, self._stream = list(ids or ()), bool(skip_special_tokens), None

    def step(self, tokenizer, id):
        if self._stream is None:  # the tokenizer as it is with the first step
            self._stream = _core.DecodeStream(tokenizer, self._ids, self._skip)
        return self._stream.step(id)
