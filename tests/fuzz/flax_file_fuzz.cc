// flax_model.msgpack. Every array's bytes are read, so a view outside is seen.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "safetensors/flax_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto index = hearth::read_flax_file({reinterpret_cast<const std::byte*>(data), size});
  if (!index.ok()) return 0;
  uint64_t sum = 0;
  for (const auto& tensor : index->tensors) {
    const auto bytes = hearth::size_bytes(tensor.dtype, tensor.elements());
    if (!bytes || static_cast<uint64_t>(*bytes) != tensor.data.size()) std::abort();
    for (const auto byte : tensor.data) sum += std::to_integer<uint64_t>(byte);
  }
  return sum == UINT64_MAX;
}
