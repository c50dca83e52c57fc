"""tokenizers.normalizers. Normalizers written in Python (`Normalizer.custom`) and NormalizedString are not offered."""
import base64

from ._parts import Part, SequenceOf, pattern as _pattern


class Normalizer(Part):
    _kind = "normalizer"

    def normalize_str(self, sequence):
        return self._core_part.normalize_str(sequence)


class BertNormalizer(Normalizer, type="BertNormalizer", clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True):
    def __init__(self, clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True):
        super().__init__(clean_text=clean_text, handle_chinese_chars=handle_chinese_chars, strip_accents=strip_accents, lowercase=lowercase)


class ByteLevel(Normalizer, type="ByteLevel"):
    pass


class Lowercase(Normalizer, type="Lowercase"):
    pass


class NFC(Normalizer, type="NFC"):
    pass


class NFD(Normalizer, type="NFD"):
    pass


class NFKC(Normalizer, type="NFKC"):
    pass


class NFKD(Normalizer, type="NFKD"):
    pass


class Nmt(Normalizer, type="Nmt"):
    pass


class StripAccents(Normalizer, type="StripAccents"):
    pass


class Precompiled(Normalizer, type="Precompiled", precompiled_charsmap=""):
    def __init__(self, precompiled_charsmap):
        super().__init__(precompiled_charsmap=base64.b64encode(bytes(precompiled_charsmap)).decode())


class Prepend(Normalizer, type="Prepend", prepend="▁"):
    def __init__(self, prepend="▁"):
        super().__init__(prepend=prepend)


class Replace(Normalizer, type="Replace", pattern=None, content=""):
    def __init__(self, pattern, content):
        super().__init__(pattern=_pattern(pattern), content=content)


class Strip(Normalizer, type="Strip", strip_left=True, strip_right=True):
    def __init__(self, left=True, right=True):
        super().__init__(strip_left=left, strip_right=right)

    left = property(lambda self: self.strip_left, lambda self, value: setattr(self, "strip_left", value))
    right = property(lambda self: self.strip_right, lambda self, value: setattr(self, "strip_right", value))


class Sequence(SequenceOf, Normalizer, type="Sequence"):
    _key = "normalizers"

    def __init__(self, normalizers):
        super().__init__(normalizers)


NORMALIZERS = {"nfc": NFC, "nfd": NFD, "nfkc": NFKC, "nfkd": NFKD}


def unicode_normalizer_from_str(normalizer):
    if normalizer not in NORMALIZERS:
        raise ValueError(f"{normalizer} is not a known unicode normalizer. Available are {NORMALIZERS.keys()}")
    return NORMALIZERS[normalizer]()
