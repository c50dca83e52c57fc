// Source: transformers 5.23.0 tokenization_utils_tokenizers.py train_new_from_iterator.
#include "tokenizers/auto/backend.h"
#include "tokenizers/trainer.h"

namespace hearth {

namespace {

std::optional<std::string> text_of(const Json& json) {
  return json.is_string() ? std::optional(std::string(json.as_string())) : std::nullopt;
}

bool is_byte_level(const Json& pre_tokenizer) {
  if (pre_tokenizer["type"].as_string() == "ByteLevel") return true;
  for (const auto& step : pre_tokenizer["pretokenizers"].array())
    if (step["type"].as_string() == "ByteLevel") return true;
  return false;
}

}  // namespace

Result<UntrainedTokenizer> untrained_like(std::string_view tokenizer_json) {
  Json json = TRY(Json::parse(tokenizer_json));
  const tokenizers::ConfigView root(json, "");
  if (!json.is_object()) return root.bad("a tokenizer.json is an object");
  const auto type = TRY(root["model"].string("type"));
  UntrainedTokenizer out;
  Json::Object model;
  for (const auto& [key, value] : json["model"].object())
    if (key != "vocab" && key != "merges" && key != "unk_id") model.emplace_back(key, value);
  if (type == "BPE") {
    out.trainer = BpeTrainer{.continuing_subword_prefix = text_of(json["model"]["continuing_subword_prefix"]),
                             .end_of_word_suffix = text_of(json["model"]["end_of_word_suffix"])};
  } else if (type == "WordPiece") {
    out.trainer = WordPieceTrainer{};
  } else if (type == "WordLevel") {
    out.trainer = WordLevelTrainer{};
  } else if (type == "Unigram") {
    const auto& id = json["model"]["unk_id"];
    const auto& vocab = json["model"]["vocab"].array();
    UnigramTrainer trainer;
    if (id.is_int() && id.as_int() >= 0 && static_cast<size_t>(id.as_int()) < vocab.size()) {
      const auto& row = vocab[static_cast<size_t>(id.as_int())].array();
      if (!row.empty()) trainer.unk_token = text_of(row[0]);
    }
    out.trainer = std::move(trainer);
  } else {
    return root["model"].bad(cat("a model of type '", type, "' is not trained (BPE, Unigram, WordLevel, WordPiece)"));
  }
  std::vector<AddedToken> special;
  if (root.has("added_tokens")) {
    for (const auto& row : TRY(root["added_tokens"].elements())) {
      auto token = TRY(tokenizers::read_added_token(row));
      if (token.special || type == "Unigram") special.push_back(std::move(token));
    }
  }
  std::visit(
      [&](auto& trainer) {
        trainer.special_tokens = std::move(special);
        if constexpr (requires { trainer.initial_alphabet; })
          if (is_byte_level(json["pre_tokenizer"])) trainer.initial_alphabet = byte_level_alphabet();
      },
      out.trainer);
  json.set("model", std::move(model));
  json.set("added_tokens", Json::Array{});
  out.json = json.dump();
  return out;
}

}  // namespace hearth
