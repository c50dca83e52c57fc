// save_pretrained: the files from which Python loads the same tokenizer.
// Source: transformers 5.23.0 tokenization_utils_base.py (save_pretrained, save_chat_templates).
#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "tokenizers/auto/backend.h"
#include "tokenizers/auto/state.h"
#include "tokenizers/pipeline/pipeline.h"

namespace hearth {

namespace {

constexpr std::string_view kNotSaved[] = {"add_bos_token",
                                          "add_eos_token",
                                          "chat_template",
                                          "added_tokens_decoder",
                                          "additional_special_tokens",
                                          "tokenizer_file",
                                          "name_or_path",
                                          "special_tokens_map_file",
                                          "vocab",
                                          "merges"};

// As json.dumps(sort_keys=True).
Json sorted(const Json& json) {
  if (json.is_array()) {
    Json::Array out;
    for (const auto& row : json.array()) out.push_back(sorted(row));
    return Json(std::move(out));
  }
  if (!json.is_object()) return json;
  Json::Object out;
  for (const auto& [key, value] : json.object()) out.push_back({key, sorted(value)});
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return Json(std::move(out));
}

Json added_tokens_decoder(const Tokenizer& tokenizer) {
  Json::Object out;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id)
    if (const auto* token = tokenizer.parts().added.find(id)) out.push_back({cat(id), added_token_json(*token)});
  return Json(std::move(out));
}

}  // namespace

Status PreTrainedTokenizer::save_pretrained(const std::string& folder) const {
  const auto& s = *state_;
  TRY(make_folders(folder));
  Json config{Json::Object{}};
  for (const auto& [key, value] : s.config.object())
    if (std::find(std::begin(kNotSaved), std::end(kNotSaved), key) == std::end(kNotSaved)) config.set(key, value);
  for (const auto& [name, text] : s.special_tokens_map) config.set(name, text);
  if (!s.extra_special_tokens.empty()) {
    Json::Array extra;
    for (const auto& text : s.extra_special_tokens) extra.emplace_back(text);
    config.set("extra_special_tokens", std::move(extra));
  }
  // 10^30 is what transformers writes for "no limit".
  config.set("model_max_length", s.model_max_length ? Json(*s.model_max_length) : Json(1e30));
  config.set("padding_side", s.padding_side == Side::left ? "left" : "right");
  config.set("tokenizer_class", s.class_name);
  if (s.json.empty()) {
    config.set("backend", "custom");
    config.set("added_tokens_decoder", added_tokens_decoder(s.tokenizer));
    for (const auto& [name, bytes] : s.files) TRY(write_file(path_join(folder, name), bytes));
  } else {
    config.set("backend", "tokenizers");
    TRY(write_file(path_join(folder, "tokenizer.json"), s.json));
  }
  TRY(write_file(path_join(folder, "tokenizer_config.json"), sorted(config).dump(2) + "\n"));
  for (const auto& [name, text] : s.chat_templates) {
    if (name == "default") {
      TRY(write_file(path_join(folder, "chat_template.jinja"), text));
      continue;
    }
    if (name.empty() || contains(name, "/") || name.starts_with('.'))
      return Status(Code::bad_input, cat("a chat template's name cannot be '", printable(name), "'"));
    const auto more = path_join(folder, "additional_chat_templates");
    TRY(make_folders(more));
    TRY(write_file(path_join(more, name + ".jinja"), text));
  }
  return {};
}

}  // namespace hearth
