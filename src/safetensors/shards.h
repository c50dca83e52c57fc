// Weights: all tensors of a model, in one file or many, found by one lookup.
// Source: transformers 5.23.0 modeling_utils.py (search order, index file); llama.cpp llama_split_path for GGUF.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "safetensors/file.h"

namespace hearth {

/// The files beside an index (`*.index.json`) that its weight_map names, each once, in the order of their names.
/// bad_input when it is no such index, or names a file elsewhere.
Result<std::vector<std::string>> shard_paths(const std::string& index_path);

/// Immutable; may be read by any thread.
class Weights {
 public:
  /// `path` is a weight file, an index (`*.index.json`), or a folder: there `model.safetensors` or its index, then
  /// `pytorch_model.bin` or its index, then its only `.gguf` file. The first part of a split GGUF
  /// (`x-00001-of-00003.gguf`) brings the others. bad_input names the choices where several files could be meant,
  /// and the tensor when the index and the files disagree.
  static Result<std::shared_ptr<const Weights>> open(const std::string& path);

  /// The tensor, or nullptr.
  const WeightTensorView* find(std::string_view name) const;
  /// Every tensor, file by file.
  std::span<const WeightTensorView* const> tensors() const { return tensors_; }
  std::span<const std::shared_ptr<const WeightFile>> files() const { return files_; }
  /// The file whose metadata speaks for the model: the first.
  const WeightFile& front() const { return *files_.front(); }
  /// Gives the memory back that `bytes` of a tensor take: the next read brings them in again. Other bytes than those of
  /// a file are left alone.
  void forget(std::span<const std::byte> bytes) const {
    for (const auto& file : files_) file->forget(bytes);
  }

 private:
  Status add(std::shared_ptr<const WeightFile> file);

  std::vector<std::shared_ptr<const WeightFile>> files_;
  std::vector<const WeightTensorView*> tensors_;
  std::unordered_map<std::string_view, const WeightTensorView*> by_name_;
};

}  // namespace hearth
