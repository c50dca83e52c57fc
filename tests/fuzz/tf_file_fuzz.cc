// tf_model.h5: HDF5 with Keras' lists of names. Every array's bytes are read, so a view outside is seen.
#include <cstddef>
#include <cstdint>

#include "fuzz/weights.h"
#include "safetensors/tf_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span file(reinterpret_cast<const std::byte*>(data), size);
  const auto index = hearth::read_tf_file(file);
  if (index.ok()) hearth::check_index(*index, file);
  return 0;
}
