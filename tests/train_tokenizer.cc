// train_tokenizer: reads lines {"tokenizer": {...}, "trainer": {"type": "BpeTrainer", ...}, "texts": [...]} (or
// "files", a list of paths; and "threads") and writes for each the tokenizer.json that training makes, or {"error":
// ...}. tests/oracle compares it with Python's.
#include <cstdio>
#include <string>

#include "base/json.h"
#include "base/text.h"
#include "tokenizers/trainer.h"

namespace hearth {
namespace {

void set(const Json& json, int64_t& out) {
  if (json.is_number()) out = json.as_int();
}
void set(const Json& json, double& out) {
  if (json.is_number()) out = json.as_double();
}
void set(const Json& json, std::optional<int64_t>& out) {
  if (json.is_int()) out = json.as_int();
}
void set(const Json& json, std::optional<std::string>& out) {
  if (json.is_string()) out = std::string(json.as_string());
}
void set(const Json& json, std::u32string& out) {
  const auto text = json.as_string();
  for (size_t i = 0; i < text.size();) out += utf8_next(text, i);
}
void set(const Json& json, std::vector<AddedToken>& out) {
  for (Json token : json.array()) {
    if (token.is_object()) token.set("special", true);  // as Python's trainers do
    out.push_back(*added_token_of(token, "special_tokens"));
  }
}

template <class T>
T read(const Json& o) {
  T out;
  set(o["vocab_size"], out.vocab_size);
  set(o["special_tokens"], out.special_tokens);
  if constexpr (requires { out.min_frequency; }) set(o["min_frequency"], out.min_frequency);
  if constexpr (requires { out.initial_alphabet; }) set(o["initial_alphabet"], out.initial_alphabet);
  if constexpr (requires { out.limit_alphabet; }) {
    set(o["limit_alphabet"], out.limit_alphabet);
    set(o["continuing_subword_prefix"], out.continuing_subword_prefix);
    set(o["end_of_word_suffix"], out.end_of_word_suffix);
  }
  if constexpr (requires { out.max_token_length; }) set(o["max_token_length"], out.max_token_length);
  if constexpr (requires { out.unk_token; }) {
    set(o["shrinking_factor"], out.shrinking_factor);
    set(o["unk_token"], out.unk_token);
    set(o["max_piece_length"], out.max_piece_length);
    set(o["n_sub_iterations"], out.n_sub_iterations);
  }
  return out;
}

Trainer read_trainer(const Json& o) {
  const auto type = o["type"].as_string();
  if (type == "WordPieceTrainer") return read<WordPieceTrainer>(o);
  if (type == "UnigramTrainer") return read<UnigramTrainer>(o);
  if (type == "WordLevelTrainer") return read<WordLevelTrainer>(o);
  return read<BpeTrainer>(o);
}

Result<TrainedTokenizer> trained(const Json& o) {
  const auto trainer = read_trainer(o["trainer"]);
  const auto tokenizer = o["tokenizer"].dump();
  const TrainingOptions options{.threads = static_cast<int>(o["threads"].as_int())};
  if (o["files"].is_array()) {
    std::vector<std::string> files;
    for (const auto& file : o["files"].array()) files.emplace_back(file.as_string());
    return train(tokenizer, trainer, files, options);
  }
  const auto& texts = o["texts"].array();
  size_t next = 0;
  return train_from_iterator(
      tokenizer, trainer,
      [&]() -> Result<std::optional<std::string_view>> {
        return next < texts.size() ? std::optional(texts[next++].as_string()) : std::nullopt;
      },
      options);
}

int run() {
  std::string line;
  for (int c = std::getchar(); c != EOF; c = std::getchar()) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    const auto request = Json::parse(line);
    auto out = request.ok() ? trained(*request) : Result<TrainedTokenizer>(request.status().clone());
    std::puts(out.ok() ? out->json.c_str() : Json(Json::Object{{"error", out.status().message()}}).dump().c_str());
    line.clear();
  }
  return 0;
}

}  // namespace
}  // namespace hearth

int main() {
  return hearth::run();
}
