#include "hub/weights.h"

#include <optional>

#include "base/files.h"
#include "base/result.h"
#include "base/text.h"
#include "safetensors/gguf.h"
#include "safetensors/safetensors.h"

namespace hearth::hub {
bool WeightSummary::is_weight_file(std::string_view path) {
  if (path.starts_with("checkpoint-") || contains(path, "/checkpoint-")) return false;
  return path.ends_with(".safetensors") || path.ends_with(".gguf");
}

void WeightSummary::add(const WeightSource& source) {
  std::optional<MappedFile> mapped;
  std::string_view bytes = source.bytes;
  if (!source.path.empty()) {
    auto opened = MappedFile::open(source.path);
    if (!opened.ok()) return;
    bytes = mapped.emplace(std::move(opened).value()).text();
  }
  const auto file = std::as_bytes(std::span(bytes));
  if (is_gguf(file)) {
    if (gguf_.is_null()) add_gguf(file);
  } else if (const auto index = read_safetensors(file); index.ok()) {
    for (const auto& tensor : index->tensors) parameters_[std::string(name(tensor.dtype))] += tensor.elements();
  }
}

void WeightSummary::add_gguf(std::span<const std::byte> file) {
  const auto index = read_gguf(file);
  if (!index.ok()) return;
  int64_t total = 0;
  for (const auto& tensor : index->tensors) total += tensor.elements();
  const auto find = [&](std::string_view key) -> const MetadataValueView* {
    for (const auto& entry : index->metadata)
      if (entry.key == key) return &entry.value;
    return nullptr;
  };
  gguf_ = Json(Json::Object{{"total", total}});
  std::string architecture;
  if (const auto* value = find("general.architecture")) architecture = value->json().as_string();
  gguf_.set("architecture", architecture);
  if (const auto* value = find(cat(architecture, ".context_length"))) gguf_.set("context_length", value->json());
  if (const auto* value = find("tokenizer.chat_template")) gguf_.set("chat_template", value->json());
  const auto* tokens = find("tokenizer.ggml.tokens");
  for (const std::string_view which : {"bos", "eos"}) {
    const auto* id = find(cat("tokenizer.ggml.", which, "_token_id"));
    const auto number = id ? id->integer() : std::nullopt;
    if (!tokens || !number || *number < 0) continue;
    int64_t at = 0;
    for (const auto token : tokens->strings())
      if (at++ == *number) gguf_.set(cat(which, "_token"), token);
  }
}

Json WeightSummary::safetensors() const {
  if (parameters_.empty()) return {};
  Json by_dtype = Json::Object();
  int64_t total = 0;
  for (const auto& [dtype, count] : parameters_) {
    by_dtype.set(dtype, count);
    total += count;
  }
  return Json(Json::Object{{"parameters", by_dtype}, {"total", total}});
}

}  // namespace hearth::hub
