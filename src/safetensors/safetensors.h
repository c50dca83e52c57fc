// The safetensors format: a u64 header length, a JSON header, the tensors' bytes.
// Source: safetensors 0.8.0 README.md and tensor.rs.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "safetensors/file.h"

namespace hearth {

constexpr uint64_t kSafetensorsHeaderMax = 100'000'000;  ///< bytes, as in the original

/// Reads the header of a whole file in memory; the views lie in `file`. bad_input unless the tensors cover the data
/// without holes or overlaps, each as large as its type and shape say.
Result<WeightIndex> read_safetensors(std::span<const std::byte> file);

/// What write_safetensors stores; `data` is only read during the call.
struct SafetensorsEntryView {
  std::string_view name;
  DType dtype;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
};

/// Writes a file as safetensors' own writer does: widest types first, then by name; header padded to 8 bytes.
/// bad_input when a tensor's bytes are not what its type and shape say, or a name is taken twice.
Status write_safetensors(const std::string& path, std::span<const SafetensorsEntryView> tensors,
                         std::span<const std::pair<std::string, std::string>> metadata = {});

}  // namespace hearth
