"""Texts of 20 tokens to vectors, all-MiniLM-L6-v2 with weights and activations in 8 bits, 32 at a time on one thread:
texts per CPU second. Cosine to the f32 vectors: tests/oracle/test_sentence_transformers.py."""
import _encoder

better = "higher"


def run():
    return _encoder.row(_encoder.minilm(), 32, 20, ["CTranslate2 int8"], quantize="q8_0")
