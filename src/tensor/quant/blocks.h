// What the numbers of GGML's blocks of five bits, of 256 columns and of uneven values are.
// Source: ggml-common.h (the blocks' layout); gguf 0.19.0 quants.py for the values, bit for bit.
#pragma once

#include <cstddef>

#include "safetensors/dtype.h"

namespace hearth::kernels {

/// Makes the block_elements(type) floats of one block.
using BlockReader = void (*)(const std::byte* block, float* out);

/// nullptr for a type that is not read here.
BlockReader block_reader(DType type);

}  // namespace hearth::kernels
