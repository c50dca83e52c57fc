"""What repr() and str() write of a tokenizer and its parts, from their JSON: the names of the original's Rust types, the
names of enumerations without quotes, and of long things the beginning. Source: tokenizers 0.23 utils/serde_pyo3.rs."""
from decimal import Decimal

_BARE = {"behavior", "prepend_scheme", "direction", "strategy"}  # fields that are enumerations
_PAIRS = {"merges", "vocab"}  # lists of tuples; `vocab` of Unigram is one
_STRUCTS = {"truncation": "TruncationParams", "padding": "PaddingParams", "special_tokens": "SpecialToken"}


class Show:
    """Writes `elements` of a list or map, and of a str the letters that fit into `size` bytes."""

    def __init__(self, elements, size=None):
        self._elements, self._size = elements, size

    def __call__(self, value, field=None):
        if isinstance(value, dict):
            return self._object(value, field)
        if isinstance(value, (list, tuple)):
            return self._list(value, field)
        if isinstance(value, str):
            return value if field in _BARE else self._quoted(value)
        if isinstance(value, float):
            return f"{Decimal(repr(value)).normalize():f}"
        return str(value)

    def struct(self, name, fields):
        return f"{name}({', '.join(f'{k}={self(v, k)}' for k, v in fields.items() if k != 'type')})"

    def _object(self, value, field):
        if "type" in value:
            return self.struct(value["type"], value)
        if field in ("truncation", "padding"):
            return self.struct(_STRUCTS[field], value)
        if field in ("pattern", "strategy"):
            return "".join(f"{name}({self(inner)})" for name, inner in value.items())
        if field in ("single", "pair"):
            return "".join(self._template_piece(name, piece) for name, piece in value.items())
        show = (lambda inner: self.struct("SpecialToken", inner)) if field == "special_tokens" else self
        rows = [f"{self._quoted(k)}:{show(v)}" for k, v in list(value.items())[:self._elements]]
        return "{" + ", ".join(rows + ["..."] * (len(value) > self._elements)) + "}"

    def _template_piece(self, name, piece):
        # The texts A and B are an enumeration, special tokens are named.
        id = piece["id"] if name == "Sequence" else self._quoted(piece["id"])
        return f"{name}(id={id}, type_id={piece['type_id']})"

    def _list(self, values, field):
        if field in ("sep", "cls"):
            return self._tuple(values)
        show = self._tuple if field in _PAIRS else lambda value: self(value, field)
        rows = [show(v) for v in values[:self._elements]]
        return "[" + ", ".join(rows + ["..."] * (len(values) > self._elements)) + "]"

    def _tuple(self, values):
        if isinstance(values, str):  # a merge of an older tokenizer.json, "a b"
            values = values.split(" ", 1)
        return "(" + ", ".join(self(v) for v in values) + ")"

    def _quoted(self, text):
        whole = text.encode(errors="surrogatepass")
        if self._size is None or len(whole) <= self._size:
            return f'"{text}"'
        return f'"{whole[:self._size].decode(errors="ignore")}..."'


as_repr, as_str = Show(99), Show(5, 100)
