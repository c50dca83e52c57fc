"""tokenizers.trainers. ParityBpeTrainer is not offered."""


def _special(token):
    token.special = True  # as the original does; `normalized` follows it
    return {name: getattr(token, name) for name in ("content", "single_word", "lstrip", "rstrip", "normalized", "special")}


class Trainer:
    """The options of a training, by the originals' names and with their defaults."""

    _type, _defaults = None, {}

    def __init_subclass__(cls, type=None, **defaults):
        cls._type, cls._defaults = type, defaults

    def __init__(self, **options):
        for name in options:
            if name not in self._defaults:
                print(f"Ignored unknown kwargs option {name}")
        for name, value in self._defaults.items():
            setattr(self, name, options.get(name, value))

    def _options(self):
        out = {name: getattr(self, name) for name in self._defaults}
        out["special_tokens"] = [t if isinstance(t, str) else _special(t) for t in self.special_tokens]
        if "initial_alphabet" in out:
            out["initial_alphabet"] = "".join(c[:1] for c in out["initial_alphabet"])
        return {"type": self._type, **out}

    def __repr__(self):
        return f"{self._type}Trainer({', '.join(f'{n}={getattr(self, n)}' for n in self._defaults)})"


class BpeTrainer(Trainer, type="BPE", vocab_size=30000, min_frequency=0, show_progress=True, progress_format="indicatif", special_tokens=(),
                 limit_alphabet=None, initial_alphabet=(), continuing_subword_prefix=None, end_of_word_suffix=None, max_token_length=None):
    pass


class WordPieceTrainer(Trainer, type="WordPiece", vocab_size=30000, min_frequency=0, show_progress=True, special_tokens=(), limit_alphabet=None,
                       initial_alphabet=(), continuing_subword_prefix="##", end_of_word_suffix=None):
    pass


class UnigramTrainer(Trainer, type="Unigram", vocab_size=8000, show_progress=True, special_tokens=(), initial_alphabet=(), shrinking_factor=0.75,
                     unk_token=None, max_piece_length=16, n_sub_iterations=2):
    pass


class WordLevelTrainer(Trainer, type="WordLevel", vocab_size=30000, min_frequency=0, show_progress=True, special_tokens=()):
    pass
