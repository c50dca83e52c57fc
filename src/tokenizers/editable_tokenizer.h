// EditableTokenizer: a tokenizer whose parts and added tokens can be changed, as those of Python's tokenizers.Tokenizer
// can, and one part of a tokenizer by itself, as the classes of tokenizers.normalizers and its neighbours are.
// Source: tokenizers 0.23 (huggingface/tokenizers), tokenizer/mod.rs TokenizerImpl and added_vocabulary.rs.
//
// A Tokenizer never changes. Here a change only marks it as old; the next one who asks for it gets a new one, which
// shares with the old all that was not changed: tokens can be added to a large vocabulary without building it again.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "tokenizers/added_token.h"
#include "tokenizers/tokenizer.h"

namespace hearth {

/// What of a tokenizer can be there or not. The model always is.
enum class PartKind : uint8_t { normalizer, pre_tokenizer, post_processor, decoder };

/// Not thread-safe; the Tokenizers that it hands out are.
class EditableTokenizer {
 public:
  /// A whole tokenizer.json. Errors as Tokenizer::from_json.
  static Result<EditableTokenizer> from_json(std::string_view text);
  /// The model of a tokenizer.json alone.
  static Result<EditableTokenizer> from_model(std::string_view json);

  EditableTokenizer(EditableTokenizer&&) noexcept;
  EditableTokenizer& operator=(EditableTokenizer&&) noexcept;
  ~EditableTokenizer();

  /// As it stands now.
  Result<Tokenizer> tokenizer();

  /// The part's JSON; null: there is none.
  const Json& part(PartKind kind) const;
  /// bad_input names what is wrong with the part; nothing has changed then.
  Status set_part(PartKind kind, Json json);
  std::string_view model_json() const;
  /// Added tokens stay, each with the id that the new model has for it, or the next free one.
  Status set_model(std::string_view json);

  /// Returns how many were new, or had other flags before. Ids are given, not read.
  size_t add_tokens(std::span<const AddedToken> tokens);
  /// By rising id.
  std::vector<AddedToken> added_tokens() const;

  std::optional<TokenId> token_to_id(std::string_view token) const;
  int64_t vocab_size(bool with_added_tokens = true) const;
  /// Every token and its id. The views live until the next change.
  std::vector<std::pair<std::string_view, TokenId>> vocabulary(bool with_added_tokens = true) const;

  /// A caller's settings that a tokenizer.json carries along ("truncation", "padding"); null: none.
  Json truncation, padding;
  /// The whole as tokenizer.json; `indent` as of Json::dump.
  std::string to_json(int indent = 0) const;

 private:
  struct State;
  explicit EditableTokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// A piece that a pre-tokenizer makes, and the characters of the text that it comes from.
struct PreTokenizedPiece {
  std::string text;
  TextSpan offsets;
};

/// One part by itself. Immutable and cheap to copy. A call that is not of its kind is a bug.
class TokenizerPart {
 public:
  static Result<TokenizerPart> build(PartKind kind, const Json& json);

  PartKind kind() const { return kind_; }
  /// Of a normalizer. bad_input for a text that is not UTF-8, here as below.
  Result<std::string> normalize(std::string_view text) const;
  Result<std::vector<PreTokenizedPiece>> pre_tokenize(std::string_view text) const;
  /// Of a decoder.
  std::string decode(std::vector<std::string> tokens) const;
  /// Of a post-processor: how many special tokens it adds.
  size_t num_special_tokens_to_add(bool is_pair) const;
  /// Of a post-processor. `tokenizer` made the encodings, one or two.
  Encoding process(std::vector<Encoding> encodings, bool add_special_tokens, const Tokenizer& tokenizer) const;

 private:
  template <class Part>
  const Part& as() const {
    return *static_cast<const Part*>(part_.get());
  }
  TokenizerPart(PartKind kind, std::shared_ptr<const void> part) : kind_(kind), part_(std::move(part)) {}
  PartKind kind_;
  std::shared_ptr<const void> part_;
};

/// What follows when one or two texts were encoded without it: truncation and the tokenizer's special tokens.
Result<Encoding> post_process(const Tokenizer& tokenizer, std::vector<Encoding> encodings,
                              const EncodeOptions& options);
/// How many special tokens the tokenizer adds to one text, or to a pair.
size_t num_special_tokens_to_add(const Tokenizer& tokenizer, bool is_pair);

}  // namespace hearth
