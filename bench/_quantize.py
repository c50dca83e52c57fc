"""Another file of a GGUF model, quantized by llama.cpp. Usage: _quantize.py FROM TO TYPE (F32, Q4_K_M, Q2_K, IQ4_XS, ...).

Types of blocks of 256 do not fit a matrix whose columns 256 does not divide: llama.cpp takes a block of 32 there. A type
with the suffix :pure is taken for every matrix that it fits, without the mixes of llama.cpp's own choice.
"""
import ctypes
import os
import sys


def numbers(module):
    """{"Q4_K_M": 15, ...}"""
    names = {name.removeprefix("LLAMA_FTYPE_").removeprefix("MOSTLY_"): getattr(module, name) for name in dir(module) if name.startswith("LLAMA_FTYPE_")}
    return names | {"F32": names["ALL_F32"]}


def main(source, target, kind):
    try:
        import llama_cpp
    except (ImportError, RuntimeError, OSError) as error:
        print(f"llama_cpp: {error}", file=sys.stderr)
        sys.exit(3)
    name, _, pure = kind.partition(":")
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype, params.allow_requantize, params.nthread, params.pure = numbers(llama_cpp)[name], True, os.cpu_count(), bool(pure)
    part = target + ".part"
    if llama_cpp.llama_model_quantize(source.encode(), part.encode(), ctypes.byref(params)) != 0:
        sys.exit(f"llama.cpp made no {kind} of {source}")
    os.rename(part, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
