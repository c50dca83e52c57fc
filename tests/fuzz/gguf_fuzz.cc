// Any bytes as a GGUF file.
#include "safetensors/gguf.h"

#include "fuzz/weights.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  const auto index = hearth::read_gguf(file);
  if (index.ok()) hearth::check_index(*index, file);
  return 0;
}
