"""What normalizers, pre_tokenizers, decoders, processors and models share: a part is the JSON that tokenizer.json has for
it. The classes carry the names and the arguments of the originals; C++ builds and runs them."""
import json
import weakref

from . import _core, _show

KINDS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
_registry = {}  # (kind, type) -> class


class Regex:
    """A pattern that is a regular expression, not a text."""

    def __init__(self, s):
        self.pattern = s
        _core.Part(1, json.dumps({"type": "Split", "pattern": {"Regex": s}, "behavior": "Isolated", "invert": False}))


def pattern(value):
    """A str, or a Regex, as tokenizer.json writes it."""
    if isinstance(value, Regex):
        return {"Regex": value.pattern}
    if isinstance(value, str):
        return {"String": value}
    raise TypeError("argument 'pattern': expected str or Regex")


class Part:
    """A part of a tokenizer. A change of a field reaches every tokenizer that the part was given to."""

    _kind = None  # of KINDS; None: a model
    _type = None
    _defaults = {}

    def __init_subclass__(cls, type=None, fields=None, **defaults):
        super().__init_subclass__()
        defaults = fields or defaults
        if type is None:
            return
        cls._type, cls._defaults = type, defaults
        _registry[cls._kind, type] = cls
        for name in defaults:
            if not hasattr(cls, name):
                setattr(cls, name, _field(name))

    def __init__(self, **fields):
        if self._type is None:
            raise TypeError(f"No constructor defined for {type(self).__name__}")
        self._set({"type": self._type, **{k: fields.get(k, v) for k, v in self._defaults.items()}})

    def _set(self, config):
        self._check(config)
        self._config, self._built = config, None
        for owner in list(getattr(self, "_owned_by", ())):
            owner._part_changed(self)

    def _check(self, config):
        _core.Part(KINDS.index(self._kind), json.dumps(config))

    def _owned(self, owner):
        if not hasattr(self, "_owned_by"):
            self._owned_by = weakref.WeakSet()
        self._owned_by.add(owner)

    def _json(self):
        return self._config

    @property
    def _core_part(self):
        if self._built is None:
            self._built = _core.Part(KINDS.index(self._kind), json.dumps(self._json()))
        return self._built

    def __getstate__(self):
        return json.dumps(self._json(), ensure_ascii=False, separators=(",", ":")).encode()

    def __setstate__(self, state):
        other = part_from(self._kind, json.loads(state))
        self.__dict__.update(other.__dict__)

    def __reduce__(self):
        return part_from, (self._kind, self._json())

    def __repr__(self):
        return _show.as_repr(self._json())

    def __str__(self):
        return _show.as_str(self._json())


def _field(name):
    return property(lambda self: self._config[name], lambda self, value: self._set({**self._config, name: value}))


class SequenceOf:
    """Steps, one after another."""

    _key = None
    _flat = True  # a Sequence among the steps is its steps

    def __init__(self, steps):
        if not isinstance(steps, (list, tuple)):
            raise TypeError(f"'{type(steps).__name__}' object is not an instance of 'list'")
        self._steps = []
        for step in steps:
            step = as_part(self._kind, step)
            self._steps += step._steps if self._flat and isinstance(step, SequenceOf) else [step]
        self._adopt()

    def _adopt(self):
        for step in self._steps:
            step._owned(self)
        self._set({"type": "Sequence", self._key: [step._json() for step in self._steps]})

    def _part_changed(self, part):
        self._set({"type": "Sequence", self._key: [step._json() for step in self._steps]})

    def __len__(self):
        return len(self._steps)

    def __getitem__(self, index):
        return self._steps[index]

    def __setitem__(self, index, value):
        self._steps[index] = as_part(self._kind, value)
        self._adopt()


def part_from(kind, config):
    """The object of a part's JSON."""
    if config is None:
        return None
    cls = _registry.get((kind, config.get("type")))
    if cls is None:
        raise ValueError(f"{kind} type {config.get('type')!r} is not known")
    out = cls.__new__(cls)
    out._config, out._built = config, None
    if issubclass(cls, SequenceOf):
        out._steps = [part_from(kind, step) for step in config[cls._key]]
        for step in out._steps:
            step._owned(out)
    return out


_names = {"normalizer": "Normalizer", "pre_tokenizer": "PreTokenizer", "post_processor": "PostProcessor", "decoder": "Decoder", None: "Model"}


def as_part(kind, value):
    """Ours as it is; the original's own object by its JSON."""
    if isinstance(value, Part) and value._kind == kind:
        return value
    if type(value).__module__.startswith("tokenizers") and hasattr(value, "__getstate__"):
        return part_from(kind, json.loads(value.__getstate__()))
    raise TypeError(f"'{type(value).__name__}' object is not an instance of '{_names[kind]}'")
