// flax_model.msgpack: nested maps of arrays, as PyTorch's tensors.
// Source: the MessagePack specification; flax 0.10 serialization.py (_ndarray_to_bytes, _chunk); transformers 4.57
// modeling_flax_pytorch_utils.py (load_flax_weights_in_pytorch_model: names, transposed kernels).
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "safetensors/file.h"

namespace hearth {

/// The arrays under PyTorch's names: "kernel" is "weight" with its dimensions turned, "scale" and "embedding" are
/// "weight". Kernels are copied, all else are views of the file. bad_input when the file is cut or no such map.
Result<WeightIndex> read_flax_file(std::span<const std::byte> file);

}  // namespace hearth
