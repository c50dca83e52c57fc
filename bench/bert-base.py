"""The encoder of BERT base (random weights, f32) on 16 texts of 128 tokens, one thread: texts per CPU second."""
import _encoder

better = "higher"


def run():
    return _encoder.row(_encoder.made("bert-base"), 16, 128, ["torch", "onnxruntime"])
