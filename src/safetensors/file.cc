#include "safetensors/file.h"

#include "base/text.h"
#include "safetensors/gguf.h"
#include "safetensors/safetensors.h"
#include "safetensors/torch_file.h"

namespace hearth {

WeightFile::WeightFile(MappedFile file, WeightFormat format, WeightIndex index)
    : file_(std::move(file)), format_(format), index_(std::move(index)) {
  by_name_.reserve(index_.tensors.size());
  for (size_t i = 0; i < index_.tensors.size(); ++i) by_name_.emplace(index_.tensors[i].name, i);
}

Result<std::shared_ptr<const WeightFile>> WeightFile::open(const std::string& path) {
  auto file = TRY(MappedFile::open(path));
  const auto format = is_gguf(file.bytes())         ? WeightFormat::gguf
                      : is_torch_file(file.bytes()) ? WeightFormat::torch
                                                    : WeightFormat::safetensors;
  auto index = format == WeightFormat::gguf    ? read_gguf(file.bytes())
               : format == WeightFormat::torch ? read_torch_file(file.bytes())
                                               : read_safetensors(file.bytes());
  if (!index.ok()) return std::move(index).status().with(path);
  return std::shared_ptr<const WeightFile>(new WeightFile(std::move(file), format, std::move(index).value()));
}

const WeightTensorView* WeightFile::find(std::string_view tensor_name) const {
  const auto found = by_name_.find(tensor_name);
  return found == by_name_.end() ? nullptr : &index_.tensors[found->second];
}

const MetadataValueView* WeightFile::find_metadata(std::string_view key) const {
  for (const auto& entry : index_.metadata)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

}  // namespace hearth
