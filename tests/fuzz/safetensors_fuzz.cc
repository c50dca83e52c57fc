// Any bytes as a safetensors file.
#include "safetensors/safetensors.h"

#include "fuzz/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  const auto index = hearth::read_safetensors(file);
  if (index.ok()) hearth::check_index(*index, file);
  return 0;
}
