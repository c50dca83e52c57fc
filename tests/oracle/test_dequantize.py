"""Our dequantized weights, and the panels that products read, equal the gguf package's numbers bit for bit, on random
blocks and on the ends of their ranges; and so do the blocks that --quantize makes of plain weights."""
import os
import pathlib
import subprocess

import gguf
import numpy
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("HEARTH_BUILD", ROOT / "build")) / "tests" / "oracle_dequantize"
TYPES = {"F32": 4, "F16": 2, "BF16": 2, "Q4_0": 18, "Q4_1": 20, "Q8_0": 34}


@pytest.mark.parametrize("name", TYPES)
def test_equal_to_gguf(name):
    type_ = gguf.GGMLQuantizationType[name]
    random = numpy.random.default_rng(5)
    if name.startswith("Q"):
        blocks = random.integers(0, 256, (256, TYPES[name]), dtype=numpy.uint8)
        scales = random.normal(0, 0.02, (256, 2)).astype(numpy.float16)
        scales[:4] = [[0, 0], [6e-8, -6e-8], [-0.5, 7000], [1e-5, 1e-7]]  # zero, the smallest subnormal, large, subnormal
        blocks[:, 0:2] = scales[:, :1].view(numpy.uint8)
        if name == "Q4_1":
            blocks[:, 2:4] = scales[:, 1:].copy().view(numpy.uint8)
    else:
        values = random.normal(0, 0.05, (256, 32)).astype(numpy.float32)
        values[0, :4] = [0, -0.0, 6e-8, 60000]
        blocks = gguf.quants.quantize(values, type_).view(numpy.uint8).reshape(256, -1)
    wanted = gguf.quants.dequantize(blocks.view(numpy.float32) if name == "F32" else blocks.view(numpy.float16) if name == "F16" else blocks, type_)
    done = subprocess.run([PROGRAM, str(int(type_))], input=blocks.tobytes(), stdout=subprocess.PIPE, check=True)
    got = numpy.frombuffer(done.stdout, numpy.float32)
    assert got.tobytes() == numpy.ascontiguousarray(wanted, numpy.float32).tobytes()


# Where a block's scales in f16 lie; MXFP4 has a power of two in its place.
SCALES = {"Q5_0": [0], "Q5_1": [0, 2], "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0], "MXFP4": []}


@pytest.mark.parametrize("name", SCALES)
def test_later_blocks_equal_to_gguf(name):
    type_ = gguf.GGMLQuantizationType[name]
    random = numpy.random.default_rng(7)
    blocks = random.integers(0, 256, (512, gguf.GGML_QUANT_SIZES[type_][1]), dtype=numpy.uint8)
    blocks[:2, :] = [[0], [255]]  # every bit clear, and every one set
    for at in SCALES[name]:
        scales = random.normal(0, 0.02, 512).astype(numpy.float16)
        scales[:5] = [0, -0.5, 6e-8, -6e-8, 7000]
        blocks[:, at : at + 2] = scales[:, None].view(numpy.uint8)
    if name == "MXFP4":
        blocks[:, 0] = numpy.clip(blocks[:, 0], 0, 250)  # above is infinity times nothing
        blocks[:4, 0] = [0, 1, 2, 127]
    wanted = gguf.quants.dequantize(blocks, type_)
    done = subprocess.run([PROGRAM, str(int(type_))], input=blocks.tobytes(), stdout=subprocess.PIPE, check=True)
    got = numpy.frombuffer(done.stdout, numpy.float32)
    assert got.tobytes() == numpy.ascontiguousarray(wanted, numpy.float32).tobytes()


def quantized(name, values):
    type_ = gguf.GGMLQuantizationType[name]
    return subprocess.run([PROGRAM, str(int(type_)), "quantize"], input=values.tobytes(), capture_output=True)


@pytest.mark.parametrize("name", ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"])
def test_quantized_as_gguf_does(name):
    random = numpy.random.default_rng(11)
    values = random.normal(0, 0.05, (4096, 32)).astype(numpy.float32)
    values[:1024] = values[:1024].astype(numpy.float16).astype(numpy.float32)  # ties are likelier among short numbers
    values[1024:1100] = numpy.round(values[1024:1100] * 64) / 64
    values[0] = 0
    values[1] = 1
    values[2, 1:] = 0
    values[3] = numpy.arange(32) - 16
    values[4] = 1e-7 * values[5]  # the scale is subnormal in f16
    values[5] *= 1e5
    values[6] = numpy.tile([-2, 2], 16)
    values[7] = numpy.arange(32) * 127 / 31
    wanted = gguf.quants.quantize(values, gguf.GGMLQuantizationType[name])
    done = quantized(name, values)
    assert done.returncode == 0 and done.stdout == wanted.tobytes()


@pytest.mark.parametrize("bad", [numpy.inf, -numpy.inf, numpy.nan])
def test_what_is_not_finite_has_no_blocks(bad):
    values = numpy.ones((3, 32), numpy.float32)
    values[2, 31] = bad
    done = quantized("Q8_0", values)
    assert done.returncode != 0 and b"infinity or a NaN" in done.stderr
