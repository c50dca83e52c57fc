"""Writes the seeds in tests/fuzz/corpus with the real safetensors and gguf packages; run it when a format grows."""

import base64
import collections
import gzip
import io
import json
import os
import pathlib
import pickle
import struct
import zipfile

import gguf
import h5py
import numpy as np
import safetensors.numpy
import torch
from pip._vendor import msgpack

corpus = pathlib.Path(__file__).parent / "corpus"


def seed(target, name, data):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def make_gguf(path):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(8)
    writer.add_uint64("n", 2**40)
    writer.add_bool("b", True)
    writer.add_float32("f", 0.5)
    writer.add_array("words", ["a", "é", ""])
    writer.add_array("ids", [1, -2])
    writer.add_tensor("w", np.ones((2, 3), dtype=np.float32))
    writer.add_tensor("q", np.ones((1, 18), dtype=np.uint8), raw_dtype=gguf.GGMLQuantizationType.Q4_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


tensors = {"a": np.ones((2, 2), dtype=np.float32), "b": np.zeros((3,), dtype=np.int8), "none": np.zeros((0, 2))}
seed("safetensors", "numpy", safetensors.numpy.save(tensors, {"format": "np", "é": "\n"}))
seed("safetensors", "empty", safetensors.numpy.save({}))
path = corpus / "made.gguf"
make_gguf(path)
seed("gguf", "small", path.read_bytes())
path.unlink()
seed("json", "all", b'{"a":[1,-2.5e3,true,false,null,"\\u00e9\\ud83d\\ude00\\n"],"":{"a":{}},"n":18446744073709551615}')
seed("json", "numbers", b"[0,-0,1.0,1e308,4.9e-324,9223372036854775807,-9223372036854775808]")
paths = ["/", "/models", "/a/b/resolve/main/x%2Fy.json", "/datasets/a/b.git/info/refs", "/api/spaces/a/b/tree/refs%2Fpr%2F1/d/"]
for i, text in enumerate(paths):
    seed("http", f"path{i}", b"p" + text.encode())
for i, line in enumerate(['{"key":"file","value":{"path":"a","content":"YQ==","encoding":"base64"}}',
                          '{"key":"file","value":{"path":"a","content":"\\u00e9","encoding":"utf-8"}}\n',
                          '{"key":"lfsFile","value":{"path":"b","algo":"sha256","oid":"00","size":1}}', '{"key":"deletedFolder","value":{"path":"c/"}}', "[1"]):
    seed("commit_payload", f"{i}", b'{"key":"header","value":{"summary":"s","parentCommit":"0"}}\n' + line.encode())
seed("http", "escape", b"ea=1&b[]=%C3%A9+x&hearth_session=%00; hearth_session=s")
for i, text in enumerate(["bytes=0-99", "bytes=-5", "bytes=7-", "bytes=9999999999999999999-", "bytes=0-1,3-4"]):
    seed("http", f"range{i}", b"r" + text.encode())
seed("http", "gzip", b"z" + gzip.compress(b"0032want " * 50, mtime=0) + gzip.compress(b"", mtime=0))


def xet_chunk(scheme, payload, size):
    return bytes([0]) + len(payload).to_bytes(3, "little") + bytes([scheme]) + size.to_bytes(3, "little") + payload


lz4_stored = bytes.fromhex("04224d18604082") + struct.pack("<I", 0x80000009) + b"abcdefghi" + bytes(4)
lz4_run = bytes.fromhex("04224d18604082") + struct.pack("<I", 10) + bytes([0x1F]) + b"a" + b"\x01\x00" + bytes([76]) + bytes([0x50]) + b"aaaaa"[:4] + bytes(4)
seed("xorb", "plain", xet_chunk(0, b"hello world", 11) + xet_chunk(0, b"again", 5))
seed("xorb", "lz4", xet_chunk(1, lz4_stored, 9) + xet_chunk(2, lz4_stored, 9))
seed("xorb", "run", xet_chunk(1, lz4_run, 100))
seed("xorb", "footer", xet_chunk(0, b"hello world", 11) + b"XETBLOB\x01" + bytes(32) + b"XBLBHSH\x00" + struct.pack("<I", 1) + bytes(32)
     + b"XBLBBND\x01" + struct.pack("<III", 1, 19, 11) + struct.pack("<III", 1, 92, 48) + bytes(16) + struct.pack("<I", 132))
tag = b"HFRepoMetaData" + bytes.fromhex("0055696745 6a7b815783a5bdd95ccdd14aa9".replace(" ", ""))
bookend = b"\xff" * 32 + bytes(16)
xet_file = bytes(range(32)) + struct.pack("<IIQ", 3 << 30, 1, 0) + bytes(32) + struct.pack("<IIII", 0, 11, 0, 1) + bytes(48) + bytes(48)
xet_xorb = bytes(32) + struct.pack("<IIII", 0, 1, 11, 19) + bytes(32) + struct.pack("<IIII", 0, 11, 0, 0)
seed("shard", "upload", tag + struct.pack("<QQ", 2, 0) + xet_file + bookend + xet_xorb + bookend)
seed("shard", "answer", tag + struct.pack("<QQ", 2, 200) + bookend + xet_xorb + bookend + struct.pack("<Q", 1) + bytes(192))
seed("shard", "many", tag + struct.pack("<QQ", 2, 0) + bytes(32) + struct.pack("<IIQ", 0, 2**32 - 1, 0) + bookend)
byte_level = {
    "added_tokens": [{"id": 5, "content": "<s>", "special": True, "lstrip": True, "rstrip": False, "normalized": False, "single_word": False}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace", "pattern": {"String": "b"}, "content": "a"}]},
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
    "post_processor": {"type": "ByteLevel", "trim_offsets": True},
    "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "unk_token": "a", "vocab": {"a": 0, "aa": 1, "\u0120": 2, "\u0120a": 3, "1": 4}, "merges": ["a a", "\u0120 a"]},
}
seed("tokenizer_json", "byte_level", json.dumps(byte_level).encode())
metaspace = {
    "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False},
    "decoder": {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": {"type": "BPE", "byte_fallback": True, "fuse_unk": True, "unk_token": "u", "vocab": {"u": 0, "<0x0A>": 1, "a": 2}, "merges": []},
}
seed("tokenizer_json", "metaspace", json.dumps(metaspace).encode())
cls_sep = {"cls": ["[CLS]", 1], "sep": ["[SEP]", 2]}
wordpiece = {
    "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "BertProcessing", **cls_sep},
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 4,
              "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "##a": 4, "h": 5, "he": 6, "##b": 7}},
}
seed("tokenizer_json", "wordpiece", json.dumps(wordpiece).encode())
charsmap = struct.pack("<257I", 1024, 1 << 10, *[0] * 95, 1 << 10 | 1 << 8 | ord("a"), 1 << 31, *[0] * 158) + b"X\0"
unigram = {
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()},
                                                       {"type": "StripAccents"}, {"type": "ByteLevel"}]},
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "UnicodeScripts"}, {"type": "FixedLength", "length": 3}]},
    "decoder": {"type": "Sequence", "decoders": [{"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": True}, {"type": "BPEDecoder", "suffix": "a"}]},
    "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": True, "vocab": [["<unk>", 0.0], ["a", -1], ["ab", -1.5], ["<0xC3>", -9.0], ["<0xA9>", -9.0], ["X", -3.0]]},
}
seed("tokenizer_json", "unigram", json.dumps(unigram).encode())
seed("tokenizer_json", "word_level", json.dumps({"model": {"unk_token": "[UNK]", "vocab": {"[UNK]": 0, "a": 1}}, "post_processor": cls_sep}).encode())


def message(*fields):
    """Protocol buffers: (number, int, bytes or float)."""
    out = b""
    for number, value in fields:
        if isinstance(value, float):
            out += bytes([number << 3 | 5]) + struct.pack("<f", value)
            continue
        key = number << 3 | (2 if isinstance(value, bytes) else 0)
        head = [key] if key < 128 else [key & 127 | 128, key >> 7]
        out += bytes(head) + (bytes([len(value)]) + value if isinstance(value, bytes) else bytes([value]))
    return out


pieces = [(b"<unk>", 0.0, 2), (b"<s>", 0.0, 3), (b"</s>", 0.0, 3), (b"<0x0A>", 0.0, 6), ("\u2581".encode(), -1.0, 1), (b"a", -2.0, 1), ("\u2581a".encode(), -1.5, 1)]
for name, kind in (("unigram", 1), ("bpe", 2)):
    rows = [(1, message((1, text), (2, score), (3, type_))) for text, score, type_ in pieces]
    seed("vocabulary_file", name, message(*rows, (2, message((3, kind), (35, 1), (40, 0), (45, b"<unk>"))), (3, message((1, b"nmt"), (2, b"\x04\0\0\0\0\0\0\0x\0")))))
seed("vocabulary_file", "tekken", b'{"config": {"pattern": "\\\\p{L}+| ?[^\\\\p{L}]", "default_num_special_tokens": 3}, "vocab": [{"token_bytes": "YQ=="}, {"token_bytes": "IA=="}, {"token_bytes": "IGE="}], "special_tokens": [{"rank": 0, "token_str": "<unk>"}, {"rank": 1, "token_str": "<s>"}]}')
seed("vocabulary_file", "tiktoken", b"YQ== 0\nYg== 1\nYWI= 2\n4pY= 3\n")


class Evil:
    def __reduce__(self):
        return (os.system, ("true",))


for protocol in range(6):
    seed("pickle", f"evil{protocol}", pickle.dumps([1, {"a": (2.5, b"x", "text")}, Evil(), collections.OrderedDict(b=3)], protocol))
for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as members:
        members.writestr("m/data.pkl", pickle.dumps(Evil(), 2))
        members.writestr("m/data/0", bytes(100))
    seed("pickle", name, archive.getvalue())
state = {"a": torch.ones(2, 3), "turned": torch.ones(2, 3).t(), "half": torch.ones(4, dtype=torch.bfloat16)[1:], "epoch": 3}
for name, options in (("zip", {}), ("stream", {"_use_new_zipfile_serialization": False}), ("protocol4", {"pickle_protocol": 4})):
    saved = io.BytesIO()
    torch.save(state | ({} if name == "stream" else {"eight": torch.ones(3).to(torch.float8_e4m3fn)}), saved, **options)
    seed("torch_file", name, saved.getvalue())
seed("torch_file", "evil", pickle.dumps({"a": Evil()}, 2))
array = lambda a: msgpack.ExtType(1, msgpack.packb((a.shape, a.dtype.name, a.tobytes()), use_bin_type=True))
tree = {"params": {"a": {"kernel": array(np.ones((2, 3), "f4")), "bias": array(np.ones(3, "f2"))}, "step": 3, "conv": {"kernel": array(np.ones((3, 2, 4), "f4"))}}}
tree["big"] = {"__msgpack_chunked_array__": True, "shape": {"0": 4}, "chunks": {"0": array(np.ones(3, "f4")), "1": array(np.ones(1, "f4"))}}
seed("flax_file", "tree", msgpack.packb(tree, use_bin_type=True))
for name, how in (("tables", {}), ("links", {"libver": "latest"})):
    saved = io.BytesIO()
    with h5py.File(saved, "w", **how) as file:
        file.attrs["layer_names"] = [b"bert", b"head"]
        file.attrs["backend"] = "tensorflow"
        for layer in ("bert", "head"):
            group = file.create_group(layer)
            group.attrs["weight_names"] = [b"m/bert/a/kernel:0", b"m/bert/b/gamma:0"] if layer == "bert" else np.array(["m/cls/bias:0"], h5py.string_dtype())
            for weight in group.attrs["weight_names"]:
                group[weight] = np.ones((2, 3) if "kernel" in str(weight) else 3, "f4")
    seed("tf_file", name, saved.getvalue())
three = (3).to_bytes(8, "little")
seed("tf_file", "null_shape", saved.getvalue().replace(b"\2\1\1\1" + three, b"\2\1\1\2" + three))
es256 = (  # RFC 7515 appendix A.3
    b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
    b"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
ec = b'{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}'
seed("jwt", "es256", es256 + b"\n" + ec)
seed("jwt", "rs256", b"eyJhbGciOiJSUzI1NiJ9.e30.AAAA\n" + b'{"keys":[{"kty":"RSA","n":"' + b"v" * 342 + b'","e":"AQAB"}]}')
seed("jwt", "none", b"eyJhbGciOiJub25lIn0.eyJhdWQiOlsiYiJdfQ.\n{}")

for task, body in {
    "text-classification": '{"inputs":["a","b"],"parameters":{"top_k":null},"answer":[{"label":"A","score":1}]}',
    "zero-shot-classification": '{"inputs":"a","parameters":{"candidate_labels":["x"]},"answer":{"labels":["x","y"],"scores":[1]}}',
    "table-question-answering": '{"inputs":{"query":"q","table":{"a":["1"]}},"answer":[{"answer":"1","aggregator":null}]}',
    "text2text-generation": '{"inputs":"a","parameters":{"generate_parameters":{"num_beams":2},"stop":["x"]},"answer":{}}',
    "text-generation": '{"inputs":"a","stream":true,"parameters":{"grammar":{"type":"json","value":"{}"},"stop":["b"],"top_p":0.5}}',
    "feature-extraction": '{"inputs":["a"],"input":[1],"dimensions":8,"encoding_format":"base64","truncation_direction":"Left"}',
    "text-ranking": '{"query":"q","texts":["a","b"],"return_text":true,"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}]}',
    "tgi": '{"inputs":"a","parameters":{"best_of":2,"do_sample":true,"top_n_tokens":5,"truncate":9,"decoder_input_details":true,"adapter_id":"b"}}',
    "tei": '{"inputs":[["a","b"],["c"]],"raw_scores":true,"prompt_name":"query","normalize":false,"ids":[[1,2],[3]]}',
    "tei-ids": '{"inputs":[1,2],"dimensions":1,"ids":[1],"skip_special_tokens":false,"parameters":{"truncation_direction":"Right"}}',
    "tei-similarity": '{"inputs":{"source_sentence":"a","sentences":["b"],"query":"q","texts":["t"]},"parameters":{"return_text":true}}',
}.items():
    seed("task_call", task, f"{task}\n{body}".encode())

for format, answer in {
    "hermes": '<think>\n</think>a<tool_call>\n{"name": "f",\x1f "arguments": {"x": "}\\""}}\n</tool_call>\x1f<tool_call>[{"arguments": "{}", "name": "g"}]</tool_call>',
    "llama3_json": '{"type": "function", "function": {"name": "f", "para\x1fmeters": {}}}; {"name": "f"}',
    "mistral": '[TOOL_CALLS]f[CALL_ID]a[ARGS]{"x": 1}\x1f[TOOL_CALLS][{"name": "f", "arguments": {}}]',
    "deepseek_v3": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "qwen3_coder": "<tool_call>\n<function=f>\n<parameter=x>\n1\n</para\x1fmeter>\n</function>\n</tool_call>",
    "glm45": "<tool_call>f\n<arg_key>x</arg_key>\n<arg_value>1</arg_value>\n</tool_call>",
    "pythonic": "[f(a='\\n', b=[1, {'k': None}], c=-1.5e3), f()]",
    "function_gemma": "<start_function_call>call:f{a:<escape>x<escape>,b:[1]}<end_function_call>",
    "harmony": "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary to=functions.f<|message|>{}<|call|>",
}.items():
    seed("tool_calls", format, f"{format}\n{answer}".encode())

seed("s3_xml", "list", b'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Prefix/><Contents>'
     b"<Key>hearth/sha256/" + b"a" * 64 + b"</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>3</Size></Contents>"
     b"<Contents><Key>a&amp;lt;b</Key></Contents><NextContinuationToken>x</NextContinuationToken></ListBucketResult>")
seed("s3_xml", "error", b"<Error><Code>NoSuchBucket</Code><Message>a &quot;b&quot;</Message><Contents><Key>cut</Error>")
archived = {"type": "dataset", "name": "a/b", "private": False, "gated": "auto", "sdk": "", "sha256": "0" * 64,
            "refs": {"refs/heads/main": "1" * 40, "refs/tags/v\u00e9": "2" * 40}, "objects": ["3" * 64]}
seed("archive_manifest", "one", json.dumps({"hearth_archive": 1, "repos": [archived]}).encode())
for name, change in (("climbs", {"name": "../b"}), ("bucket", {"type": "bucket"}), ("object", {"objects": ["/etc/passwd"]}), ("ref", {"refs": {"HEAD": "x"}})):
    seed("archive_manifest", name, json.dumps({"hearth_archive": 1, "repos": [archived | change]}).encode())

seed("grammar", "regex", rb"r^(?P<a>[^\W\d-]{2,3}|\x41\u00e9.?)*$|b+?(?:c|[]^-])")
seed("grammar", "counts", b"r((a{9}b?){2,9}){3}")
node = {"type": "object", "properties": {"v": {"type": "integer", "minimum": -3, "maximum": 120}, "n": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
        "required": ["v"], "additionalProperties": {"type": ["number", "string"], "minimum": 0, "maxLength": 3}}
seed("grammar", "schema", b"j" + json.dumps({"allOf": [{"$ref": "#/$defs/node"}, {"required": ["x"]}], "$defs": {"node": node}}).encode())
listed = {"type": "array", "prefixItems": [{"const": {"a": [1]}}, {"type": "string", "pattern": "^a|b$"}], "items": {"type": "string", "format": "date-time"}, "minItems": 1, "maxItems": 4}
seed("grammar", "list", b"j" + json.dumps(listed).encode())
doubled = {"$defs": {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(5)} | {"d5": {}}, "$ref": "#/$defs/d0"}
seed("grammar", "doubled", b"j" + json.dumps(doubled).encode())
seed("grammar", "gbnf", b'groot ::= (item ","\n [^a-c\\x41]{2,3} | .)* # end\nitem ::= "\\u00e9\\n" item? | "b"+\n')
seed("grammar", "left", b'groot ::= a\na ::= b? root "x"\nb ::= "y" b |\n')
