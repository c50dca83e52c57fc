// Sizes of GGUF's value types, shared by the reader and the views.
#pragma once

#include <cstddef>

#include "safetensors/metadata.h"

namespace hearth {

/// Bytes of a number or boolean; 0 for strings and arrays, whose length stands in the file.
size_t value_size_bytes(ValueType type);

}  // namespace hearth
