"""tokenizers.processors."""
from ._parts import Part, SequenceOf


class PostProcessor(Part):
    _kind = "post_processor"

    def num_special_tokens_to_add(self, is_pair):
        return self._core_part.num_special_tokens_to_add(is_pair)

    def process(self, encoding, pair=None, add_special_tokens=True):
        return self._core_part.process(encoding, pair, add_special_tokens)


def _pair(name):
    return property(lambda self: tuple(self._config[name]), lambda self, value: self._set({**self._config, name: list(value)}))


class BertProcessing(PostProcessor, type="BertProcessing", fields={"sep": None, "cls": None}):
    sep, cls = _pair("sep"), _pair("cls")

    def __init__(self, sep, cls_token=None, *, cls=None):
        super().__init__(sep=list(sep), cls=list(cls or cls_token))


class RobertaProcessing(PostProcessor, type="RobertaProcessing",
                         fields={"sep": None, "cls": None, "trim_offsets": True, "add_prefix_space": True}):
    sep, cls = _pair("sep"), _pair("cls")

    def __init__(self, sep, cls_token=None, trim_offsets=True, add_prefix_space=True, *, cls=None):
        super().__init__(sep=list(sep), cls=list(cls or cls_token), trim_offsets=trim_offsets, add_prefix_space=add_prefix_space)


class ByteLevel(PostProcessor, type="ByteLevel", add_prefix_space=True, trim_offsets=True, use_regex=True):
    def __init__(self, add_prefix_space=None, trim_offsets=None, use_regex=None, **_kwargs):
        given = {"add_prefix_space": add_prefix_space, "trim_offsets": trim_offsets, "use_regex": use_regex}
        super().__init__(**{k: v for k, v in given.items() if v is not None})


def _piece(text):
    name, colon, type_id = text.partition(":") if not text.startswith(":") else (text, "", "")
    if name.startswith("$"):
        name = name[1:]
        if name.isdecimal() and not colon:  # "$1" is the first text with type id 1
            name, colon, type_id = "A", ":", name
        if name not in ("", "A", "a", "B", "b") or (colon and not type_id.isdecimal()):
            raise ValueError(f"Cannot build Piece from string \"{text}\"")
        return {"Sequence": {"id": name.upper() or "A", "type_id": int(type_id or 0)}}
    if colon and not type_id.isdecimal():
        raise ValueError(f"Cannot build Piece from string \"{text}\"")
    return {"SpecialToken": {"id": name, "type_id": int(type_id or 0)}}


def _template(value):
    pieces = value.split(" ") if isinstance(value, str) else value
    return [_piece(piece) for piece in pieces]


def _special(token):
    if isinstance(token, dict):
        return {"id": token["id"], "ids": list(token["ids"]), "tokens": list(token["tokens"])}
    first, second = token
    text, number = (second, first) if isinstance(first, int) else (first, second)
    return {"id": text, "ids": [number], "tokens": [text]}


class TemplateProcessing(PostProcessor, type="TemplateProcessing", single=None, pair=None, special_tokens=None):
    def __init__(self, single=None, pair=None, special_tokens=None):
        rows = sorted((_special(token) for token in special_tokens or ()), key=lambda row: row["id"])
        parts = {"single": _template("$0" if single is None else single), "pair": _template("$A:0 $B:1" if pair is None else pair)}
        named = {p["SpecialToken"]["id"] for t in parts.values() for p in t if "SpecialToken" in p}
        missing = sorted(named - {row["id"] for row in rows})
        if missing:
            raise ValueError(f"Missing SpecialToken(s) with id(s) `{', '.join(missing)}`")
        super().__init__(**parts, special_tokens={row["id"]: row for row in rows})

    @property
    def single(self):
        """Rust's notation of the template, as the original gives it; set with a str or a list of pieces."""
        pieces = []
        for piece in self._config["single"]:
            for kind, p in piece.items():
                id = p["id"] if kind == "Sequence" else f'"{p["id"]}"'
                pieces.append(f"{kind} {{ id: {id}, type_id: {p['type_id']} }}")
        return f"Template([{', '.join(pieces)}])"

    @single.setter
    def single(self, value):
        self._set({**self._config, "single": _template(value)})


class Sequence(SequenceOf, PostProcessor, type="Sequence"):
    _key = "processors"

    def __init__(self, processors):
        super().__init__(processors)
