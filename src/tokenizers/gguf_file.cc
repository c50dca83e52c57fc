// The vocabulary of a GGUF file, found in its metadata by the names of the specification.
// Source: ggml docs/gguf.md, section "Tokenizer".
#include "base/text.h"
#include "safetensors/file.h"
#include "tokenizers/auto/single_file.h"
#include "tokenizers/tokenizer.h"

namespace hearth {

Result<Tokenizer> Tokenizer::from_gguf(const WeightFile& file) {
  const auto find = [&](std::string_view name) { return file.find_metadata(cat("tokenizer.", name)); };
  const auto text = [&](std::string_view name) {
    const auto* value = find(name);
    return value == nullptr ? std::string_view() : value->string();
  };
  const auto id = [&](std::string_view name) {
    const auto* value = find(cat("ggml.", name, "_token_id"));
    return value == nullptr ? std::nullopt : value->integer();
  };
  const auto flag = [&](std::string_view name) {
    const auto* value = find(cat("ggml.", name, "_token"));
    return value == nullptr ? std::nullopt : value->boolean();
  };
  const auto strings = [&](std::string_view name) {
    std::vector<std::string_view> out;
    if (const auto* value = find(name)) {
      const auto list = value->strings();
      out.assign(list.begin(), list.end());
    }
    return out;
  };

  if (find("ggml.model") == nullptr) {
    return Status(Code::bad_input,
                  cat(file.path(), ": the file carries no tokenizer (no tokenizer.ggml.model in its metadata)"));
  }
  GgufVocabularyView view{.model = text("ggml.model"),
                          .pre = text("ggml.pre"),
                          .tokens = strings("ggml.tokens"),
                          .merges = strings("ggml.merges"),
                          .token_types = {},
                          .bos = id("bos"),
                          .eos = id("eos"),
                          .unk = id("unknown"),
                          .pad = id("padding"),
                          .add_bos = flag("add_bos"),
                          .add_eos = flag("add_eos"),
                          .chat_template = text("chat_template"),
                          .sep = id("seperator"),  // spelt so by the specification
                          .cls = id("cls"),
                          .mask = id("mask")};
  if (const auto* scores = find("ggml.scores")) view.scores = scores->numbers<float>();
  if (const auto* charsmap = find("ggml.precompiled_charsmap"))
    for (const auto byte : charsmap->numbers<int16_t>()) view.precompiled_charsmap += static_cast<char>(byte);
  if (const auto* value = find("ggml.add_space_prefix")) view.add_space_prefix = value->boolean();
  if (const auto* types = find("ggml.token_type")) view.token_types = types->numbers<int32_t>();
  auto tokenizer = from_gguf(view);
  if (!tokenizer.ok()) return std::move(tokenizer).status().with(file.path());
  return tokenizer;
}

Result<Tokenizer> Tokenizer::from_path(const std::string& path) {
  if (is_folder(path)) return from_folder(path);
  if (tokenizers::is_single_file(path)) return tokenizers::read_single_file(path);
  if (!path.ends_with(".gguf")) return from_file(path);
  const auto file = TRY(WeightFile::open(path));
  return from_gguf(*file);
}

}  // namespace hearth
