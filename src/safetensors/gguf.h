// The GGUF format, versions 2 and 3, little-endian: magic, counts, typed metadata, tensor infos, aligned data.
// Source: ggml docs/gguf.md; limits and checks as in llama.cpp's gguf.cpp (gguf_init_from_file).
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "safetensors/file.h"

namespace hearth {

/// True when the bytes begin with GGUF's magic.
bool is_gguf(std::span<const std::byte> file);

/// Reads the header of a whole file in memory; the views lie in `file`. bad_input names the field that disagrees with
/// the file. Arrays are walked once to check their lengths; nothing of them is kept but where they lie.
Result<WeightIndex> read_gguf(std::span<const std::byte> file);

}  // namespace hearth
