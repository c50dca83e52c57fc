// What a repository's weight files say in their headers: parameters by dtype, a GGUF file's model.
// Source: huggingface_hub 2.4.0 SafeTensorsInfo; @huggingface/gguf for the keys of `gguf`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"

namespace hearth::hub {

/// Where a weight file lies: on disk, or in memory when `path` is empty.
struct WeightSource {
  std::string path;
  std::string bytes;
};

/// Gathers the headers of a repository's weight files; a file that cannot be read is left out.
class WeightSummary {
 public:
  /// *.safetensors and *.gguf at any depth but in training checkpoints.
  static bool is_weight_file(std::string_view path);
  void add(const WeightSource& source);
  /// {"parameters": {"F32": 134515008}, "total": 134515008}, or null without such files.
  Json safetensors() const;
  /// {"total", "architecture", "context_length", "chat_template", "bos_token", "eos_token"} of the first file, or null.
  Json gguf() const { return gguf_; }

 private:
  void add_gguf(std::span<const std::byte> file);
  std::map<std::string, int64_t> parameters_;
  Json gguf_;
};

}  // namespace hearth::hub
