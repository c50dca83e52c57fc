// Backend: a tokenizer while AutoTokenizer puts it together. Its parts are still JSON, tokens can be added, ids be
// asked for; in the end it becomes a Tokenizer, or the tokenizer.json that says the same. Source: tokenizers 0.23
// tokenizer/mod.rs and added_vocabulary.rs: what Python sees as `tokenizers.Tokenizer`.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/json.h"
#include "tokenizers/pipeline/added_tokens.h"
#include "tokenizers/pipeline/parts.h"
#include "tokenizers/tokenizer.h"

namespace hearth::tokenizers {

class Backend {
 public:
  Json normalizer, pre_tokenizer, post_processor, decoder;  // null: none

  /// Replaces the model, and forgets all added tokens. bad_input names the place in it.
  Status set_model(Json config);
  /// The same with a model that is built already; `json` is its text, which only to_json() needs.
  void set_model(std::shared_ptr<Model> model, std::string json);
  bool has_model() const { return model_ != nullptr; }
  /// "BPE", "WordPiece", "Unigram" or "WordLevel".
  std::string_view model_type() const { return model_config_["type"].as_string(); }
  const Json& model_config() const { return model_config_; }

  /// In the order given. A text that the model knows keeps its id, a new one gets the next free; one that was added
  /// before takes the flags it has now.
  void add_tokens(std::span<const AddedToken> tokens);
  /// As the tokenizer.json has them, which gives each its id anew.
  Status add_tokens_of_file(const ConfigView& rows);
  const std::vector<AddedToken>& added_tokens() const { return added_; }
  const AddedToken* find_added(std::string_view content) const;

  std::optional<TokenId> token_to_id(std::string_view token) const;
  std::optional<std::string> id_to_token(TokenId id) const;
  int64_t vocab_size() const;  ///< model and added tokens

  /// The tokens as AddedTokens::make takes them: what was special once stays so.
  std::vector<AddedToken> tokens_to_find() const;
  /// The whole as tokenizer.json. `truncation` and `padding` are a caller's settings, kept in the file as they are.
  std::string to_json(const Json& truncation = {}, const Json& padding = {}) const;
  /// Moves the model out: the last call.
  Result<std::shared_ptr<Tokenizer::Parts>> take_parts();

 private:
  void forget_tokens();

  Json model_config_;
  std::string model_json_;  // where it is known as text: then there is no model_config_
  std::shared_ptr<Model> model_;
  std::vector<AddedToken> added_;                       // in the order in which they came
  std::unordered_map<std::string, size_t> by_content_;  // into added_
  std::unordered_map<TokenId, size_t> by_id_;           // into added_
  std::unordered_set<std::string> special_contents_;    // of all that were special once: they stay so for decoding
  int64_t new_count_ = 0;                               // added tokens that the model does not know
};

}  // namespace hearth::tokenizers
