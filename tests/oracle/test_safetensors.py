"""`hearth inspect --json` against the safetensors and gguf packages: the same tensors, types, shapes and metadata, and
what those packages refuse is refused."""

import json
import os
import pathlib
import struct
import subprocess

import gguf
import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch

HEARTH = os.environ.get("HEARTH_BIN", str(pathlib.Path(__file__).parents[2] / "build/bin/hearth"))


def inspect(path):
    """The exit code and what was printed: JSON when the file was read, else the error."""
    done = subprocess.run([HEARTH, "inspect", str(path), "--json"], capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr


def read_by_original(path):
    """Names -> (dtype, shape), metadata; raises what safetensors raises."""
    with safetensors.safe_open(path, "pt") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}
        return {n: (s.get_dtype(), s.get_shape()) for n, s in slices.items()}, file.metadata() or {}


def read_by_hearth(path):
    code, said = inspect(path)
    assert code == 0, said
    return {t["name"]: (t["dtype"], t["shape"]) for t in said["tensors"]}, said["metadata"]


TORCH_TYPES = [
    torch.bool, torch.uint8, torch.int8, torch.uint16, torch.int16, torch.uint32, torch.int32, torch.uint64, torch.int64,
    torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.float8_e4m3fn, torch.float8_e5m2,
    torch.float8_e8m0fnu, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz,
]


def test_every_type_of_safetensors(tmp_path):
    tensors = {f"layer.{i}.{t}": torch.zeros(i % 3, 2, i + 1, dtype=t) for i, t in enumerate(TORCH_TYPES)}
    tensors["scalar é"] = torch.tensor(1.5)
    tensors["packed"] = torch.zeros(3, 4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
    path = tmp_path / "all.safetensors"
    safetensors.torch.save_file(tensors, path, metadata={"format": "pt", "text": 'line\n"quoted" é'})
    theirs, their_metadata = read_by_original(path)
    ours, our_metadata = read_by_hearth(path)
    assert ours == theirs and len(ours) == len(TORCH_TYPES) + 2
    assert our_metadata == their_metadata


def row(begin, end, shape=(1,), dtype="F32", **extra):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end], **extra}


# Header (JSON or raw bytes) and the number of data bytes behind it.
HEADERS = {
    "good": ({"a": row(0, 4)}, 4),
    "no tensors": ({}, 0),
    "trailing byte": ({"a": row(0, 4)}, 5),
    "bytes without tensors": ({}, 1),
    "short data": ({"a": row(0, 4)}, 3),
    "hole": ({"a": row(4, 8)}, 8),
    "hole between": ({"a": row(0, 4), "b": row(8, 12)}, 12),
    "overlap": ({"a": row(0, 4), "b": row(2, 6)}, 6),
    "same bytes twice": ({"a": row(0, 4), "b": row(0, 4)}, 4),
    "empty among others": ({"a": row(0, 4), "b": row(4, 4, [0]), "c": row(0, 0, [0])}, 4),
    "backwards": ({"a": row(4, 0)}, 4),
    "size unlike shape": ({"a": row(0, 4, [2])}, 4),
    "overflow": ({"a": row(0, 4, [2**62, 4])}, 4),
    "overflow by size": ({"a": row(0, 4, [2**62])}, 4),
    "overflow before a zero": ({"a": row(0, 0, [2**63 - 1, 2**62, 0])}, 0),
    "three offsets": ({"a": {**row(0, 4), "data_offsets": [0, 4, 4]}}, 4),
    "negative": ({"a": row(0, 4, [-1])}, 4),
    "float in shape": ({"a": row(0, 4, [1.0])}, 4),
    "unknown type": ({"a": row(0, 4, [1], "F33")}, 4),
    "type of GGUF": ({"a": row(0, 18, [32], "Q4_0")}, 18),
    "half a byte": ({"a": row(0, 1, [1], "F4")}, 1),
    "two to a byte": ({"a": row(0, 1, [2], "F4")}, 1),
    "six bits": ({"a": row(0, 3, [4], "F6_E2M3")}, 3),
    "missing type": ({"a": {"shape": [1], "data_offsets": [0, 4]}}, 4),
    "unknown field": ({"a": row(0, 4, extra=1)}, 4),
    "tensor is a number": ({"a": 7}, 0),
    "metadata of numbers": ({"__metadata__": {"x": 1}}, 0),
    "metadata is a list": ({"__metadata__": []}, 0),
    "metadata is null": ({"__metadata__": None}, 0),
    "empty name": ({"": row(0, 4)}, 4),
    "list": ([], 0),
    "two values": (b"{}{}", 0),
    "NUL behind": (b"{}\0", 0),
    "spaces around": (b"  {} ", 0),
    "nothing": (b"", 0),
    "not UTF-8": (b'{"\xff":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
    "comma at the end": (b'{"a":{"dtype":"F32","shape":[1,],"data_offsets":[0,4]}}', 4),
    "field twice": (b'{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}', 4),
    "metadata twice": (b'{"__metadata__":{"a":"1"},"__metadata__":{"a":"2"}}', 0),
    "metadata key twice": (b'{"__metadata__":{"a":"1","a":"2"}}', 0),
}


@pytest.mark.parametrize("case", HEADERS)
def test_same_verdict_as_safetensors(tmp_path, case):
    header, data_bytes = HEADERS[case]
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(data_bytes))
    try:
        theirs = read_by_original(path)
    except Exception as refused:
        code, said = inspect(path)
        assert code != 0, f"safetensors refuses it: {refused}"
        assert str(path) in said
    else:
        assert read_by_hearth(path) == theirs


@pytest.mark.parametrize("head", [b"", b"1234567", struct.pack("<Q", 3) + b"{}", struct.pack("<Q", 2**63) + b"{}",
                                  struct.pack("<Q", 100_000_001) + b"{}"])
def test_bad_header_lengths(tmp_path, head):
    path = tmp_path / "x.safetensors"
    path.write_bytes(head)
    with pytest.raises(Exception):
        read_by_original(path)
    assert inspect(path)[0] != 0


def test_a_name_given_twice_is_refused(tmp_path):
    # Differs: safetensors keeps the last of two rows with one name, so what is read depends on the reader.
    one = json.dumps({"a": row(0, 4)})[1:-1]
    header = f"{{{one},{one}}}".encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    read_by_original(path)
    code, said = inspect(path)
    assert code != 0 and "'a' stands twice" in said


def test_index_of_transformers(tmp_path):
    """A folder of shards as save_pretrained writes it."""
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(LlamaConfig(hidden_size=16, intermediate_size=32, num_hidden_layers=2,
                                         num_attention_heads=2, vocab_size=64, tie_word_embeddings=False))
    model.save_pretrained(tmp_path, max_shard_size="8kB")
    names = sorted(p.name for p in tmp_path.glob("*.safetensors"))
    assert len(names) > 1
    code, said = inspect(tmp_path)
    assert code == 0, said
    assert [os.path.basename(f["path"]) for f in said["files"]] == names
    assert {t["name"]: t["shape"] for t in said["tensors"]} == {n: list(t.shape) for n, t in model.state_dict().items()}
    assert said["parameters"] == sum(p.numel() for p in model.parameters())


def gguf_by_original(path):
    reader = gguf.GGUFReader(path)
    fields = {k: v for k, v in reader.fields.items() if not k.startswith("GGUF.")}
    metadata = {k: v.contents() for k, v in fields.items()}
    types = {k: v.types[0].name if v.types[0] != gguf.GGUFValueType.ARRAY else f"ARRAY[{v.types[1].name}]"
             for k, v in fields.items()}
    tensors = {t.name: (t.tensor_type.name, [int(d) for d in reversed(t.shape.tolist())], int(t.n_bytes))
               for t in reader.tensors}
    return tensors, metadata, types


def gguf_by_hearth(path):
    code, said = inspect(path)
    assert code == 0, said
    tensors = {t["name"]: (t["dtype"], t["shape"], t["size_bytes"]) for t in said["tensors"]}
    return tensors, said["metadata"], said["metadata_types"]


def test_real_gguf(smollm2):
    theirs, ours = gguf_by_original(smollm2), gguf_by_hearth(smollm2)
    assert len(ours[0]) == 272
    assert ours == theirs


@pytest.mark.parametrize("alignment", [32, 8, 4096])
def test_every_type_of_gguf(tmp_path, alignment):
    path = tmp_path / "all.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(alignment)
    for kind, value in [("uint8", 200), ("int8", -7), ("uint16", 65535), ("int16", -30000), ("uint32", 2**32 - 1),
                        ("int32", -2**31), ("uint64", 2**62), ("int64", -2**62), ("float32", 0.5), ("float64", 1e-300),
                        ("bool", True), ("string", "é\n😀")]:
        getattr(writer, f"add_{kind}")(f"test.{kind}", value)
    writer.add_array("test.words", ["", "é", "a" * 300])
    writer.add_array("test.ints", [1, -2, 3])
    writer.add_array("test.floats", [0.5, 2.0])
    writer.add_array("test.bools", [True, False])
    for qtype, (block, size) in gguf.GGML_QUANT_SIZES.items():
        if block == 1:
            plain = {"F32": np.float32, "F16": np.float16, "F64": np.float64, "I8": np.int8, "I16": np.int16,
                     "I32": np.int32, "I64": np.int64}.get(qtype.name)
            if plain:
                writer.add_tensor(f"t.{qtype.name}", np.ones((3, 5), dtype=plain))
                continue
        writer.add_tensor(f"t.{qtype.name}", np.ones((3, 2 * size), dtype=np.uint8), raw_dtype=qtype)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    theirs, ours = gguf_by_original(path), gguf_by_hearth(path)
    assert len(ours[0]) == len(gguf.GGML_QUANT_SIZES)
    assert ours == theirs

    # A cut file must be refused, wherever it is cut.
    whole = path.read_bytes()
    cut = tmp_path / "cut.gguf"
    for length in [0, 3, 4, 7, 20, 100, 1000, len(whole) - alignment - 200]:
        cut.write_bytes(whole[:length])
        assert inspect(cut)[0] != 0, length
