// What a class of transformers that tokenizes in Python code comes down to: added tokens are cut out of the raw text
// and keep the ids that the configuration gives them; each stretch between them is the class's _tokenize().
// Source: transformers 5.23.0 tokenization_python.py (PythonBackend).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tokenizers/auto/loading.h"
#include "tokenizers/pipeline/pipeline.h"

namespace hearth::tokenizers {

/// The model of such a class, and its texts and ids.
class PythonModel : public Model {
 public:
  std::unique_ptr<ModelScratch> scratch() const override { return std::make_unique<ModelScratch>(); }
  Status tokenize(std::span<const std::string_view> pieces, ModelScratch& scratch, Tokens& out) const override;
  /// An added token's before the class's own.
  TokenId token_to_id(std::string_view token) const override;
  std::optional<std::string_view> id_to_token(TokenId id) const override;
  int64_t size() const override { return ids_end_; }
  int64_t ids_end() const override { return ids_end_; }

  /// How many texts get_vocab() has, without added tokens.
  virtual int64_t own_size() const = 0;
  /// -1 for what the class's vocabulary has not.
  virtual TokenId own_id(std::string_view token) const = 0;
  virtual std::optional<std::string_view> own_text(TokenId id) const = 0;
  virtual int64_t own_ids_end() const = 0;

  void set_added(const std::vector<AddedToken>& tokens);
  /// What a token is that the vocabulary has not; unset, unk_token.
  void set_unknown(TokenId id) { unknown_ = id; }
  bool knows_unknown() const { return unknown_ >= 0; }

 protected:
  struct Token {
    std::string text;
    TextSpan place;  ///< in bytes of the text
  };
  /// _tokenize() of a text that is not empty.
  virtual void cut(std::string_view text, std::vector<Token>& out) const = 0;

 private:
  std::unordered_map<std::string, TokenId> added_ids_;
  std::unordered_map<TokenId, std::string> added_texts_;
  TokenId unknown_ = -1;
  int64_t ids_end_ = 0;
};

/// PythonBackend.__init__: l.special_tokens and the sides, and the added tokens with their ids. `own`: those that the
/// class has of itself.
Result<std::vector<AddedToken>> init_python(Loading& l, const PythonModel& model,
                                            std::map<TokenId, AddedToken> own = {});
/// Puts the parts together; the model learns the tokens.
std::shared_ptr<Tokenizer::Parts> python_parts(Loading& l, std::shared_ptr<PythonModel> model,
                                               const std::vector<AddedToken>& tokens,
                                               std::unique_ptr<PostProcessor> post_processor,
                                               std::unique_ptr<Decoder> decoder);

/// all_special_tokens: named ones and extra ones.
std::unordered_set<std::string> all_special_tokens(const Loading& l);

/// Puts eos_token behind each text that does not end with it already; or once behind all, whatever they end with.
class EosProcessor final : public PostProcessor {
 public:
  enum class Where : uint8_t { each_without, all };
  /// `marked`: what the special tokens' mask also marks in the texts, if special tokens are added.
  EosProcessor(TokenId eos, Where where, std::vector<TokenId> marked = {})
      : eos_(eos), where_(where), marked_(std::move(marked)) {}
  size_t added_tokens(bool is_pair) const override { return is_pair && where_ == Where::each_without ? 2 : 1; }
  /// A text's first token goes if it is `lonely` and one of `special` follows.
  void drop_first(TokenId lonely, std::vector<TokenId> special) {
    lonely_ = lonely;
    special_ = std::move(special);
  }
  void process(std::vector<Encoding>& parts, bool add_special_tokens, const TokenTexts& texts) const override;

 private:
  TokenId lonely_ = -1;
  std::vector<TokenId> special_;
  TokenId eos_;
  Where where_;
  std::vector<TokenId> marked_;
};

/// Reads a file that the class cannot do without. not_found names the class.
Result<std::string> read_class_file(const Loading& l, const std::string& folder, std::string_view name);

}  // namespace hearth::tokenizers
