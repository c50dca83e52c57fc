// Plain matrices rounded to GGML's block types while a model is loaded.
// Source: gguf 0.19.0 quants.py (quantize_blocks) and ggml-quants.c (quantize_row_*_ref), bit for bit.
#pragma once

#include "base/result.h"
#include "tensor/backend.h"
#include "tensor/threads.h"

namespace hearth {

/// Q4_0, Q4_1, Q5_0, Q5_1 and Q8_0: the types whose rounding reads one block and nothing else.
bool can_quantize(DType target);

/// True when `source` is a matrix of f32, f16 or bf16 whose rows are whole blocks of `target`.
bool is_quantizable(const WeightSource& source, DType target);

/// The matrix in blocks of `target`, which may be asked only when is_quantizable. bad_input names the matrix when it
/// holds an infinity or a NaN.
Result<WeightSource> quantized(const WeightSource& source, DType target, ThreadPool& pool);

}  // namespace hearth
