// AddedTokens: the tokens that are cut out of the text before the model sees it.
// Source: tokenizers tokenizer/added_vocabulary.rs.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tokenizers/added_token.h"
#include "tokenizers/pipeline/parts.h"

namespace hearth::tokenizers {

/// An added token of a tokenizer.
struct KnownToken : AddedToken {
  std::string decoded = {};  ///< as the normalizer spells it, if `normalized`: so it is looked for, and so decoded
  bool skipped = false;      ///< decoding without special tokens leaves it out: what `decoded` spells is special
};

/// A part of a text: an added token, or (`token` null) text between two.
struct Section {
  size_t begin, end;
  const AddedToken* token;
};

/// Finds a set of strings, leftmost first, of those that begin there the longest. An empty one, which a normalizer may
/// leave of a token, is found before every character at which no other one ends or begins.
class Matcher {
 public:
  void add(std::string text, const AddedToken* token);
  void finish();
  bool empty() const { return rows_.empty() && empty_ == nullptr; }
  /// Cuts the text into sections, which cover it in order (a token that strips may reach back).
  void cut(std::string_view text, bool split_special_tokens, std::vector<Section>& out) const;

 private:
  struct Row {
    std::string text;
    const AddedToken* token;
  };
  const Row* longest_at(std::string_view text, size_t at) const;

  std::vector<Row> rows_;  // sorted by text
  size_t next_begin(std::string_view text, size_t at) const;

  const AddedToken* empty_ = nullptr;  // the one whose text is empty
  std::array<bool, 256> begins_{};
  int only_begin_ = -1;  // the byte that all begin with, if they do
};

class AddedTokens {
 public:
  /// Gives each token its id, as the original does whatever the file says: the model's for a text that it knows, else
  /// the next free one.
  static AddedTokens make(std::vector<AddedToken> tokens, const Model& model, const Normalizer* normalizer);

  const Matcher& raw() const { return raw_; }                ///< for the text as it came
  const Matcher& normalized() const { return normalized_; }  ///< for the normalized text
  const KnownToken* find(TokenId id) const;
  const KnownToken* find(std::string_view content) const;
  /// Whether decoding without special tokens leaves an id out: it does so by the text, under whatever id.
  bool skips(TokenId id) const;
  int64_t ids_end() const { return ids_end_; }

 private:
  std::vector<std::unique_ptr<KnownToken>> tokens_;
  std::unordered_map<TokenId, const KnownToken*> by_id_;
  std::unordered_map<std::string_view, const KnownToken*> by_content_;
  std::unordered_set<TokenId> skipped_twins_;  // the model's other ids of texts that are special
  Matcher raw_, normalized_;
  int64_t ids_end_ = 0;
};

/// An entry of `added_tokens` or `added_tokens_decoder`, whose flags may be absent.
Result<AddedToken> read_added_token(const ConfigView& config);

}  // namespace hearth::tokenizers
