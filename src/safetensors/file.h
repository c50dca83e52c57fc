// WeightFile: one file of tensors (safetensors, GGUF or PyTorch's), mapped into memory: opening it reads the header,
// checks every field against the file, and copies no tensor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/files.h"
#include "base/result.h"
#include "safetensors/dtype.h"
#include "safetensors/metadata.h"

namespace hearth {

/// One tensor of a file. Owner of `data`: the WeightFile.
struct WeightTensorView {
  std::string name;
  DType dtype;
  std::vector<int64_t> shape;       ///< row-major, in Hugging Face's order (GGUF stores its dimensions reversed)
  std::span<const std::byte> data;  ///< exactly size_bytes(dtype, elements()); may begin at any address

  int64_t elements() const {
    int64_t out = 1;
    for (const auto d : shape) out *= d;
    return out;
  }
};

/// What the header of a file says: views into the file's bytes.
struct WeightIndex {
  std::vector<WeightTensorView> tensors;  ///< in the order of their bytes
  std::vector<MetadataEntry> metadata;    ///< in the file's order, each key once
  std::vector<std::unique_ptr<const std::string>>
      strings;  ///< what views look at that are not in the file: unescaped metadata
};

enum class WeightFormat { safetensors, gguf, torch };

/// Immutable; may be read by any thread.
class WeightFile {
 public:
  /// Maps a safetensors, GGUF or PyTorch file, told apart by its first bytes. bad_input names the field that disagrees
  /// with the file; not_found, forbidden, io for the disk.
  static Result<std::shared_ptr<const WeightFile>> open(const std::string& path);

  WeightFormat format() const { return format_; }
  const std::string& path() const { return file_.path(); }
  uint64_t size_bytes() const { return file_.bytes().size(); }
  /// In the order of their bytes in the file.
  std::span<const WeightTensorView> tensors() const { return index_.tensors; }
  /// The tensor, or nullptr.
  const WeightTensorView* find(std::string_view name) const;
  std::span<const MetadataEntry> metadata() const { return index_.metadata; }
  /// The value of `key`, or nullptr.
  const MetadataValueView* find_metadata(std::string_view key) const;
  /// MappedFile's.
  void forget(std::span<const std::byte> bytes) const { file_.forget(bytes); }

 private:
  WeightFile(MappedFile file, WeightFormat format, WeightIndex index);

  MappedFile file_;
  WeightFormat format_;
  WeightIndex index_;
  std::unordered_map<std::string_view, size_t> by_name_;
};

}  // namespace hearth
