// The GGUF format, versions 2 and 3, little-endian: magic, counts, typed metadata, tensor infos, aligned data.
// Source: ggml docs/gguf.md; limits and checks as in llama.cpp's gguf.cpp (gguf_init_from_file).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "safetensors/file.h"
#include "safetensors/safetensors.h"

namespace hearth {

/// True when the bytes begin with GGUF's magic.
bool is_gguf(std::span<const std::byte> file);

/// Reads the header of a whole file in memory; the views lie in `file`. bad_input names the field that disagrees with
/// the file. Arrays are walked once to check their lengths; nothing of them is kept but where they lie.
Result<WeightIndex> read_gguf(std::span<const std::byte> file);

/// A value of the metadata, under GGUF's types UINT32, FLOAT32, BOOL, STRING and arrays of STRING, FLOAT32, INT32 and
/// UINT8.
struct GgufEntry {
  std::string key;
  std::variant<uint32_t, float, bool, std::string, std::vector<std::string>, std::vector<float>, std::vector<int32_t>,
               std::vector<uint8_t>>
      value;
};

/// Writes a file of version 3, tensors in the order given, 32 bytes aligned. bad_input where GGUF has not the type, or
/// a tensor's bytes are not what its type and shape say.
Status write_gguf(const std::string& path, std::span<const GgufEntry> metadata,
                  std::span<const SafetensorsEntryView> tensors);

}  // namespace hearth
