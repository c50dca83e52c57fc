// PyTorch's weight files: pickles, archives and streams. Every tensor's bytes are read, so a view outside is seen.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "safetensors/torch_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> file(reinterpret_cast<const std::byte*>(data), size);
  static_cast<void>(hearth::is_torch_file(file));
  const auto index = hearth::read_torch_file(file);
  if (!index.ok()) return 0;
  uint64_t sum = 0;
  for (const auto& tensor : index->tensors) {
    const auto bytes = hearth::size_bytes(tensor.dtype, tensor.elements());
    if (!bytes || static_cast<uint64_t>(*bytes) != tensor.data.size()) std::abort();
    for (const auto byte : tensor.data) sum += std::to_integer<uint64_t>(byte);
  }
  return sum == UINT64_MAX;
}
