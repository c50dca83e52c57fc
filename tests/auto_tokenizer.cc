// auto_tokenizer FOLDER: reads lines {"do": "call", "texts": [...], "pairs": [...], "options": {...}},
// {"do": "decode", "ids": [...], ...}, {"do": "chat", ...}, {"do": "about"} or {"do": "save", "folder": ...} and writes
// for each what AutoTokenizer's tokenizer answers, or {"error": ...}. tests/oracle compares it with Python's.
#include <cstdio>
#include <string>

#include "base/json.h"
#include "base/text.h"
#include "tokenizers/auto_tokenizer.h"

namespace hearth {
namespace {

std::optional<int64_t> integer(const Json& json) {
  return json.is_int() ? std::optional(json.as_int()) : std::nullopt;
}

std::optional<bool> boolean(const Json& json) {
  return json.is_bool() ? std::optional(json.as_bool()) : std::nullopt;
}

CallOptions call_options(const Json& o) {
  CallOptions out{.add_special_tokens = o["add_special_tokens"].as_bool(true),
                  .max_length = integer(o["max_length"]),
                  .stride = o["stride"].as_int(),
                  .pad_to_multiple_of = integer(o["pad_to_multiple_of"]),
                  .return_token_type_ids = boolean(o["return_token_type_ids"]),
                  .return_attention_mask = boolean(o["return_attention_mask"]),
                  .return_overflowing_tokens = o["return_overflowing_tokens"].as_bool(),
                  .return_special_tokens_mask = o["return_special_tokens_mask"].as_bool(),
                  .return_offsets_mapping = o["return_offsets_mapping"].as_bool(),
                  .return_length = o["return_length"].as_bool(),
                  .split_special_tokens = boolean(o["split_special_tokens"]),
                  .as_target = o["as_target"].as_bool()};
  const auto& padding = o["padding"];
  if (padding.as_bool() || padding.as_string() == "longest") out.padding = PaddingStrategy::longest;
  if (padding.as_string() == "max_length") out.padding = PaddingStrategy::max_length;
  const auto& truncation = o["truncation"];
  if (truncation.is_bool()) out.truncation = truncation.as_bool() ? Truncate::longest_first : Truncate::do_not_truncate;
  if (truncation.as_string() == "longest_first") out.truncation = Truncate::longest_first;
  if (truncation.as_string() == "only_first") out.truncation = Truncate::only_first;
  if (truncation.as_string() == "only_second") out.truncation = Truncate::only_second;
  if (o["padding_side"].is_string())
    out.padding_side = o["padding_side"].as_string() == "left" ? Side::left : Side::right;
  return out;
}

// The texts, or words that are already cut.
struct Texts {
  std::vector<std::vector<std::string_view>> words;
  std::vector<TextInput> inputs;

  explicit Texts(const Json& json) {
    words.reserve(json.size());
    for (const auto& text : json.array()) {
      auto& list = words.emplace_back();
      for (const auto& word : text.array()) list.push_back(word.as_string());
      inputs.push_back(text.is_array() ? TextInput{.words = list} : TextInput{.text = text.as_string()});
    }
  }
};

Json about(const PreTrainedTokenizer& t) {
  Json::Object map;
  for (const auto& [name, text] : t.special_tokens_map()) map.push_back({name, text});
  Json::Array extra, names;
  for (const auto& text : t.extra_special_tokens()) extra.emplace_back(text);
  for (const auto& name : t.model_input_names()) names.emplace_back(name);
  return Json::Object{{"class", t.class_name()},
                      {"special_tokens_map", std::move(map)},
                      {"extra_special_tokens", std::move(extra)},
                      {"model_input_names", std::move(names)},
                      {"padding_side", t.padding_side() == Side::left ? "left" : "right"},
                      {"truncation_side", t.truncation_side() == Side::left ? "left" : "right"},
                      {"model_max_length", t.model_max_length() ? Json(*t.model_max_length()) : Json()},
                      {"pad_token_type_id", t.pad_token_type_id()}};
}

Result<Json> chat(const PreTrainedTokenizer& t, const Json& line) {
  ChatOptions o{.tools = line["tools"],
                .documents = line["documents"],
                .chat_template = {},
                .add_generation_prompt = line["add_generation_prompt"].as_bool(),
                .continue_final_message = {},
                .variables = line["variables"]};
  if (line["chat_template"].is_string()) o.chat_template = std::string(line["chat_template"].as_string());
  const auto& rest = line["continue_final_message"];
  if (rest.as_bool()) o.continue_final_message = "content";
  if (rest.is_string()) o.continue_final_message = std::string(rest.as_string());
  if (!line["tokenize"].as_bool()) return Json(TRY(t.apply_chat_template(line["messages"], o)));
  const auto batch = TRY(t.apply_chat_template(line["messages"].array(), o, call_options(line["options"]),
                                               line["return_assistant_tokens_mask"].as_bool()));
  return batch.to_json();
}

// Trains another one like it, and saves that.
Result<Json> train(const PreTrainedTokenizer& t, const Json& line) {
  TrainNewOptions options;
  for (const auto& token : line["new_special_tokens"].array())
    options.new_special_tokens.push_back({std::string(token.as_string())});
  for (const auto& [from, to] : line["special_tokens_map"].object())
    options.special_tokens_map.emplace_back(from, to.as_string());
  const auto& texts = line["texts"].array();
  size_t i = 0;
  const auto next = [&]() -> Result<std::optional<std::string_view>> {
    return i < texts.size() ? std::optional(texts[i++].as_string()) : std::nullopt;
  };
  const auto trained = TRY(t.train_new_from_iterator(next, line["vocab_size"].as_int(), options));
  TRY(trained.save_pretrained(std::string(line["folder"].as_string())));
  return about(trained);
}

Result<Json> answer(const PreTrainedTokenizer& t, const Json& line) {
  const auto what = line["do"].as_string();
  if (what == "about") return about(t);
  if (what == "chat") return chat(t, line);
  if (what == "save") {
    TRY(t.save_pretrained(std::string(line["folder"].as_string())));
    return Json(true);
  }
  if (what == "train") return train(t, line);
  if (what == "decode") {
    std::vector<TokenId> ids;
    for (const auto& id : line["ids"].array()) ids.push_back(static_cast<TokenId>(id.as_int()));
    return Json(t.decode(ids, line["skip_special_tokens"].as_bool(), boolean(line["clean_up_tokenization_spaces"])));
  }
  const Texts texts(line["texts"]), pairs(line["pairs"]);
  std::vector<EncodeInput> inputs;
  for (size_t i = 0; i < texts.inputs.size(); ++i) {
    inputs.push_back({texts.inputs[i]});
    if (!pairs.inputs.empty()) inputs.back().pair = pairs.inputs[i];
  }
  return TRY(t(inputs, call_options(line["options"]))).to_json();
}

int run(const std::string& folder, const char* kwargs) {
  AutoTokenizerOptions options;
  if (kwargs != nullptr) options.kwargs = Json::parse(kwargs).value_or(Json());
  const auto tokenizer = AutoTokenizer::from_pretrained(folder, options);
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.status().message().c_str());
    return 1;
  }
  std::string line;
  for (int c = std::getchar(); c != EOF; c = std::getchar()) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    const auto request = Json::parse(line);
    auto out = request.ok() ? answer(*tokenizer, *request) : Result<Json>(request.status().clone());
    std::puts((out.ok() ? *out : Json(Json::Object{{"error", out.status().message()}})).dump().c_str());
    line.clear();
  }
  return 0;
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  return hearth::run(argv[1], argc > 2 ? argv[2] : nullptr);
}
