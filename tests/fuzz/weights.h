// What must hold for the index of any weight file that was accepted.
#pragma once

#include "base/result.h"
#include "safetensors/file.h"

namespace hearth {

inline void check_index(const WeightIndex& index, std::span<const std::byte> file) {
  size_t touched = 0;
  for (const auto& tensor : index.tensors) {
    const auto size = size_bytes(tensor.dtype, tensor.elements());
    VERIFY(size && static_cast<size_t>(*size) == tensor.data.size(), "a tensor's bytes are what type and shape say");
    VERIFY(tensor.data.size() <= file.size(), "a tensor lies in the file");
    for (const auto byte : tensor.data) touched += static_cast<size_t>(byte);
  }
  for (const auto& entry : index.metadata) {
    touched += entry.value.json().dump().size();
    for (const auto text : entry.value.strings()) touched += text.size();
    touched += entry.value.numbers<float>().size();
    static_cast<void>(entry.value.integer());
  }
  asm volatile("" : : "r"(touched));  // keeps the reads
}

}  // namespace hearth
