// Hot loops of bf16 arithmetic on f32 arrays that hold numbers of type bf16: products sum in f32 and round once, every
// other step rounds as PyTorch does on such tensors. AVX512_BF16, AVX2 or plain code, chosen with the other kernels.
#pragma once

#include <span>

#include "tensor/linear_kernels.h"

namespace hearth::kernels {

struct Bf16Table;  // kernels/bf16_table.h

/// Those of the instruction set in use.
const Bf16Table& bf16_kernels();

/// As `linear`, of weights in bf16 and dense rows x: y = round(sum + bias), or round(y + round(sum + bias)).
void linear_bf16(std::span<const Product> products, const float* x, int64_t rows, ThreadPool& pool);

}  // namespace hearth::kernels
