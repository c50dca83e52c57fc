"""tokenizers.pre_tokenizers. Those written in Python (`PreTokenizer.custom`) and PreTokenizedString are not offered."""
from ._parts import Part, SequenceOf, pattern as _pattern

_BEHAVIORS = {"removed": "Removed", "isolated": "Isolated", "merged_with_previous": "MergedWithPrevious",
              "merged_with_next": "MergedWithNext", "contiguous": "Contiguous"}


def _behavior(name):
    name = getattr(name, "value", name)  # an enum of the original
    if name not in _BEHAVIORS:
        raise ValueError(f"Wrong value for SplitDelimiterBehavior, expected one of: `{', '.join(_BEHAVIORS)}`")
    return _BEHAVIORS[name]


class PreTokenizer(Part):
    _kind = "pre_tokenizer"

    def pre_tokenize_str(self, s):
        return self._core_part.pre_tokenize_str(s)


class _Behaving:
    @property
    def behavior(self):
        return next(k for k, v in _BEHAVIORS.items() if v == self._config["behavior"])

    @behavior.setter
    def behavior(self, value):
        self._set({**self._config, "behavior": _behavior(value)})


class BertPreTokenizer(PreTokenizer, type="BertPreTokenizer"):
    pass


class ByteLevel(PreTokenizer, type="ByteLevel", add_prefix_space=True, trim_offsets=True, use_regex=True):
    def __init__(self, add_prefix_space=True, trim_offsets=True, use_regex=True, **_kwargs):
        super().__init__(add_prefix_space=add_prefix_space, trim_offsets=trim_offsets, use_regex=use_regex)

    @staticmethod
    def alphabet():
        own = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
        return [chr(b) for b in own] + [chr(256 + i) for i in range(256 - len(own))]


class CharDelimiterSplit(PreTokenizer, type="CharDelimiterSplit", delimiter=" "):
    def __init__(self, delimiter):
        super().__init__(delimiter=delimiter)


class Digits(PreTokenizer, type="Digits", individual_digits=False):
    def __init__(self, individual_digits=False):
        super().__init__(individual_digits=individual_digits)


class FixedLength(PreTokenizer, type="FixedLength", length=5):
    def __init__(self, length=5):
        super().__init__(length=length)


class Metaspace(PreTokenizer, type="Metaspace", replacement="▁", prepend_scheme="always", split=True):
    def __init__(self, replacement="▁", prepend_scheme="always", split=True):
        if len(replacement) != 1:
            raise ValueError("expected a string of length 1")
        if prepend_scheme not in ("first", "never", "always"):
            raise ValueError(f"{prepend_scheme} is an unknown variant, should be one of ['first', 'never', 'always']")
        super().__init__(replacement=replacement, prepend_scheme=prepend_scheme, split=split)


class Punctuation(_Behaving, PreTokenizer, type="Punctuation", behavior="Isolated"):
    def __init__(self, behavior="isolated"):
        super().__init__(behavior=_behavior(behavior))


class Split(_Behaving, PreTokenizer, type="Split", pattern=None, behavior="Isolated", invert=False):
    def __init__(self, pattern, behavior, invert=False):
        super().__init__(pattern=_pattern(pattern), behavior=_behavior(behavior), invert=invert)


class UnicodeScripts(PreTokenizer, type="UnicodeScripts"):
    pass


class Whitespace(PreTokenizer, type="Whitespace"):
    pass


class WhitespaceSplit(PreTokenizer, type="WhitespaceSplit"):
    pass


class Sequence(SequenceOf, PreTokenizer, type="Sequence"):
    _key = "pretokenizers"

    def __init__(self, pre_tokenizers):
        super().__init__(pre_tokenizers)
