"""How the originals pack and dequantize a matrix: each function gives (tensors by the end of their name, numbers as f32).

bitsandbytes and compressed-tensors are asked as packages. gptqmodel and autoawq want a GPU where they are imported, so
the functions that are wanted are taken out of their sources, which scripts/setup unpacks.
"""
import ast
import importlib
import math
import pathlib
import sys
import types

import numpy
import torch

PUBLISHED = pathlib.Path(__file__).resolve().parents[2] / ".deps" / "published"


def module(root, name):
    """A module without what the packages above it import."""
    parts = name.split(".")
    for i in range(1, len(parts)):
        package = types.ModuleType(".".join(parts[:i]))
        package.__path__ = [str(root.joinpath(*parts[:i]))]
        sys.modules.setdefault(package.__name__, package)
    return importlib.import_module(name)


GPTQMODEL, AUTOAWQ = PUBLISHED / "gptqmodel-7.7.0", PUBLISHED / "autoawq-0.2.9"
packing = module(GPTQMODEL, "gptqmodel.quantization.awq.utils.packing_utils")
gemv = module(AUTOAWQ, "awq.modules.linear.gemv")
gemv_fast = module(AUTOAWQ, "awq.modules.linear.gemv_fast")


def functions(path, names, scope):
    """The functions of a file, those of classes too, run in `scope`."""
    tree = ast.parse(path.read_text())
    wanted = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name in names]
    assert {node.name for node in wanted} >= set(names), names
    exec(compile(ast.Module(wanted, []), str(path), "exec"), scope)  # of two with a name the later one counts
    return scope


class GptqLinear(torch.nn.Module):
    """PackableQuantLinear without its constructors."""

    planar = False

    def __init__(self, bits, tensors):
        super().__init__()
        self.bits, self.maxq, self.pack_dtype_bits, self.pack_factor = bits, 2**bits - 1, 32, 32 // bits
        self.dequant_dtype = torch.int16 if bits == 8 else torch.int8
        self.in_features = len(tensors["g_idx"])
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor.clone())

    def qzero_format(self, format):
        assert format == 2


SOURCE = GPTQMODEL / "gptqmodel"
_names = ["_wf_device", "_init_wf_unsqueeze_buffers", "dequantize_weight", "_dequantize_from_codes"]
_scope = functions(SOURCE / "nn_modules" / "qlinear" / "__init__.py", ["_torch_right_shift", "_torch_left_shift", *_names],
                   {"t": torch, "torch": torch, "math": math})
for _name in _names:
    setattr(GptqLinear, _name, _scope[_name])
_log = types.SimpleNamespace(info=types.SimpleNamespace(once=lambda *_: None))
convert_v1 = functions(SOURCE / "utils" / "model.py", ["convert_gptq_v1_to_v2_format_module"], {
    "torch": torch, "nn": torch.nn, "log": _log, "BaseQuantLinear": GptqLinear,
    "_correct_gptq_v1_qzeros": lambda zeros, bits, planar: shift_zeros(zeros, bits, 1),
})["convert_gptq_v1_to_v2_format_module"]


def shift_zeros(qzeros, bits, delta):
    """_shift_gptq_qzeros of utils/model_dequant.py, by the packer above."""
    codes = packing._unpack_columnwise(qzeros, bits, qzeros.shape[1] * 32 // bits)
    return packing._pack_contiguous(codes + delta & 2**bits - 1, bits)


def affine(weight, bits, group, symmetric, generator):
    """Codes [inputs, outputs], zeros and scales [groups, outputs] of a weight [outputs, inputs]."""
    inputs = weight.shape[1]
    group = inputs if group == -1 else group
    parts = weight.T.reshape(inputs // group, group, -1).float()
    low, high = parts.amin(1).clamp(max=0), parts.amax(1).clamp(min=0)
    if symmetric:
        high = torch.maximum(-low, high)
        low = -high
    scales = ((high - low).clamp(min=1e-5) / (2**bits - 1)).to(torch.float16)
    zeros = torch.full_like(low, 2 ** (bits - 1)) if symmetric else (-low / scales).round().clamp(0, 2**bits - 1)
    codes = (parts / scales[:, None] + zeros[:, None]).round().clamp(0, 2**bits - 1)
    return codes.reshape(inputs, -1).to(torch.int32), zeros.to(torch.int32), scales


def gptq(weight, bits=4, group=32, symmetric=True, desc_act=False, format="gptq", scale_dtype=torch.float16, has_groups=True):
    inputs = weight.shape[1]
    order = torch.randperm(inputs, generator=torch.Generator().manual_seed(3)) if desc_act else torch.arange(inputs)
    codes, zeros, scales = affine(weight[:, order], bits, group, symmetric, None)
    groups = torch.arange(inputs) // (inputs if group == -1 else group)
    g_idx = torch.empty(inputs, dtype=torch.int32)
    g_idx[order] = groups.to(torch.int32)
    in_place = torch.empty_like(codes)
    in_place[order] = codes
    qweight, qzeros = packing.pack_exllama(in_place, zeros, bits)
    if format == "gptq":
        step = {2: 0x55555555, 4: 0x11111111, 8: 0x01010101}.get(bits)
        less = (qzeros.to(torch.int64) - step).to(torch.int32) if step else shift_zeros(qzeros, bits, -1)
    tensors = {"qweight": qweight, "qzeros": less if format == "gptq" else qzeros, "scales": scales.to(scale_dtype),
               "g_idx": g_idx}
    linear = GptqLinear(bits, tensors)
    if format == "gptq":
        convert_v1(linear, bits, torch.int32)
    linear.enable_wf_unsqueeze = True
    numbers = linear.dequantize_weight().T.contiguous()
    assert numbers.dtype == scale_dtype
    if not has_groups:
        del tensors["g_idx"]
    return tensors, numbers.float()


def awq(weight, group=32, version="gemm"):
    codes, zeros, scales = affine(weight, 4, group, False, None)
    size = weight.shape[1] if group == -1 else group
    if version == "gemm":
        qweight, qzeros = packing.pack_awq(codes, zeros, 4)
        numbers = packing.dequantize_gemm(qweight, qzeros, scales, 4, size).T
        return {"qweight": qweight, "qzeros": qzeros, "scales": scales}, numbers.float().contiguous()
    linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    long = scales.repeat_interleave(size, 0).float()
    linear.weight.data = ((codes - zeros.repeat_interleave(size, 0)) * long).T.contiguous()
    kind = gemv.WQLinear_GEMV if version == "gemv" else gemv_fast.WQLinear_GEMVFast
    packed = kind.from_linear(linear, 4, size, scales=scales.T.contiguous(), zeros=zeros.T.contiguous())
    tensors = {name: packed.get_buffer(name).contiguous() for name in ("qweight", "qzeros", "scales")}
    if version == "gemv":  # packed along the inputs, in their order
        back = packing._unpack_columnwise(tensors["qweight"], 4)
        assert torch.equal(back, codes.T)
        return tensors, ((codes - zeros.repeat_interleave(size, 0)) * scales.repeat_interleave(size, 0)).T.float().contiguous()
    # The kernel multiplies and adds before it rounds.
    added = tensors["qzeros"][: len(scales)].repeat_interleave(size, 0)
    exact = codes.double() * scales.repeat_interleave(size, 0).double() + added.double()
    if version == "llm-awq":
        tensors["scaled_zeros"] = tensors.pop("qzeros")
    return tensors, torch.from_numpy(exact.numpy().astype(numpy.float16).astype(numpy.float32)).T.contiguous()


def bitsandbytes4(weight, kind="nf4", block=64, nested=False, storage=torch.uint8):
    import bitsandbytes.functional as bnb
    from bitsandbytes.backends.default import ops as default

    packed, state = bnb.quantize_4bit(weight, blocksize=block, compress_statistics=nested, quant_type=kind, quant_storage=storage)
    tensors = {"weight": packed, **{f"weight.{name}": value for name, value in state.as_dict(packed=True).items()}}
    absmax = bnb.dequantize_blockwise(state.absmax, state.state2) + state.offset if nested else state.absmax
    numbers = default._dequantize_4bit_compute.__wrapped__(packed.view(torch.uint8).reshape(-1), absmax, state.code, block, weight.shape, weight.dtype)
    # The kernel for CPUs begins a block with each row, where the quantizer does not.
    assert weight.shape[1] % block or torch.equal(numbers, bnb.dequantize_4bit(packed, state))
    return tensors, numbers.float()


def bitsandbytes8(weight):
    import bitsandbytes.functional as bnb

    codes, largest, _ = bnb.int8_vectorwise_quant(weight.to(torch.float16))
    tensors = {"weight": codes, "SCB": largest, "weight_format": torch.tensor(0, dtype=torch.uint8)}
    return tensors, bnb.int8_vectorwise_dequant(codes, largest)


def compressed(weight, format="pack-quantized", bits=4, strategy="group", group=32, symmetric=True, kind="int", dtype=torch.bfloat16):
    from compressed_tensors.compressors.base import BaseCompressor
    from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
    from compressed_tensors.quantization.utils import calculate_qparams

    args = QuantizationArgs(num_bits=bits, type=kind, strategy=strategy, symmetric=symmetric,
                            **({"group_size": group} if strategy == "group" else {}))
    scheme = QuantizationScheme(targets=["Linear"], weights=args)
    weight = weight.to(dtype)
    parts = {"group": lambda: weight.reshape(len(weight), -1, group), "channel": lambda: weight[:, None],
             "tensor": lambda: weight.reshape(1, 1, -1)}[strategy]()
    scale, zero = calculate_qparams(parts.amin(-1), parts.amax(-1), args)
    if strategy == "tensor":
        scale, zero = scale.reshape(1), zero.reshape(1)
    compressor = BaseCompressor.get_value_from_registry(format)
    state = {"weight": weight, "weight_scale": scale.to(dtype)}
    if not symmetric or kind == "int":
        state["weight_zero_point"] = zero
    tensors = compressor.compress(state, scheme)
    numbers = compressor.decompress(dict(tensors), scheme)["weight"]
    assert numbers.dtype == dtype
    return {name: value for name, value in tensors.items()}, numbers.float(), args
