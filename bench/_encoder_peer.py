"""An encoder of another library on one thread, as bench/encoder.cc measures ours.
Usage: _encoder_peer.py LIBRARY FOLDER BATCH LENGTH ROUNDS < TEXTS; prints one JSON object."""
import json
import pathlib
import sys
import time

import numpy


def pooled(hidden, mask):
    """Mean over the tokens, length 1: the modules behind MiniLM's transformer."""
    weights = mask[..., None].astype(numpy.float32)
    mean = (hidden * weights).sum(1) / weights.sum(1)
    return mean / numpy.linalg.norm(mean, axis=1, keepdims=True)


def tokenizer_of(folder):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding()
    tokenizer.enable_truncation(256)
    return tokenizer


def with_torch(folder):
    import torch
    from transformers import AutoModel

    torch.set_num_threads(1)
    model = AutoModel.from_pretrained(folder).eval()

    def run(ids, mask):
        with torch.inference_mode():
            return model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).last_hidden_state.numpy()
    return run


def with_onnxruntime(folder):
    """The graph that torch exports, with onnxruntime's own fusions of BERT's attention, GELU and norms."""
    import onnxruntime

    path = pathlib.Path(__file__).resolve().parent.parent / "build" / "bench" / "models" / f"{folder.parent.name}-{folder.name}.onnx"
    if not path.exists():
        import torch
        from onnxruntime.transformers import optimizer
        from transformers import AutoModel

        model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()

        class Hidden(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, ids, mask):
                return self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        ids = torch.ones(2, 20, dtype=torch.long)
        axes = {name: {0: "batch", 1: "length"} for name in ("ids", "mask", "hidden")}
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = path.with_suffix(".plain.onnx")
        torch.onnx.export(Hidden(), (ids, torch.ones_like(ids)), plain, dynamo=False, opset_version=17, input_names=["ids", "mask"],
                          output_names=["hidden"], dynamic_axes=axes)
        c = model.config
        optimizer.optimize_model(str(plain), "bert", num_heads=c.num_attention_heads, hidden_size=c.hidden_size).save_model_to_file(str(path))
        plain.unlink()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, {"ids": ids, "mask": mask})[0]


def with_ctranslate2(folder, compute_type="float32"):
    import ctranslate2

    path = pathlib.Path(__file__).resolve().parent.parent / "build" / "bench" / "models" / f"{folder.parent.name}-{folder.name}.ct2"
    if not path.exists():
        from ctranslate2.converters import TransformersConverter

        TransformersConverter(str(folder)).convert(str(path))
    encoder = ctranslate2.Encoder(str(path), device="cpu", inter_threads=1, intra_threads=1, compute_type=compute_type)
    return lambda ids, mask: numpy.array(encoder.forward_batch(ids.tolist()).last_hidden_state)


def with_sentence_transformers(folder, batch):
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(str(folder), device="cpu")
    return lambda texts: model.encode(texts, batch_size=batch)


def work_of(library, folder, batch, length, texts):
    """(what to time, how many texts it reads)"""
    if library == "sentence-transformers":
        run = with_sentence_transformers(folder, batch)
        return lambda: run(texts), len(texts)
    run = {"CTranslate2 int8": lambda f: with_ctranslate2(f, "int8"), "torch": with_torch, "onnxruntime": with_onnxruntime, "CTranslate2": with_ctranslate2}[library](folder)
    if not (folder / "modules.json").exists():
        vocabulary = json.loads((folder / "config.json").read_text())["vocab_size"]
        ids = 1000 + numpy.arange(batch * length, dtype=numpy.int64).reshape(batch, length) * 37 % (vocabulary - 1000)
        return lambda: run(ids, numpy.ones_like(ids)), batch
    tokenizer = tokenizer_of(folder)

    def encode():
        for begin in range(0, len(texts), batch):
            made = tokenizer.encode_batch(texts[begin:begin + batch])
            mask = numpy.array([one.attention_mask for one in made], dtype=numpy.int64)
            pooled(run(numpy.array([one.ids for one in made], dtype=numpy.int64), mask), mask)
    return encode, len(texts)


def main(library, folder, batch, length, rounds):
    work, count = work_of(library, pathlib.Path(folder), int(batch), int(length), sys.stdin.read().splitlines())
    for i in range(int(rounds) + 1):  # the first meets cold caches
        begin = time.process_time()
        work()
        took = time.process_time() - begin
        best = took if i < 2 else min(best, took)
    print(json.dumps({"rate": count / best}))


main(*sys.argv[1:])
