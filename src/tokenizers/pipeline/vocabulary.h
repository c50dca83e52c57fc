// Vocabulary: texts and their ids, in one arena with a flat hash table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizers/pipeline/config.h"
#include "tokenizers/tokenizer.h"

namespace hearth::tokenizers {

struct VocabularyRow {
  std::string_view text;
  int64_t id;
};

/// What to do with one text under two ids: a GGUF file pads its list with equal texts, tokenizer.json has them as keys
/// of an object, where the last wins.
enum class OneText { last_id_wins, both_ids_keep_it };

class Vocabulary {
 public:
  Vocabulary() = default;
  /// bad_input for an id that is negative, far beyond the number of rows, or given to two texts.
  static Result<Vocabulary> make(std::span<const VocabularyRow> rows, OneText one_text = OneText::last_id_wins);

  /// -1 when there is none.
  TokenId find(std::string_view text) const;
  std::optional<std::string_view> text(TokenId id) const {
    if (id < 0 || static_cast<size_t>(id) >= spans_.size() || spans_[static_cast<size_t>(id)].size == kNone) return {};
    const auto& s = spans_[static_cast<size_t>(id)];
    return std::string_view(arena_).substr(s.begin, s.size);
  }
  /// The ids that have a text which find() gives another id for.
  std::span<const TokenId> twins() const { return twins_; }
  int64_t size() const { return count_; }
  int64_t ids_end() const { return static_cast<int64_t>(spans_.size()); }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Span {
    uint32_t begin = 0, size = kNone;
  };
  size_t slot(std::string_view text) const;

  std::string arena_;
  std::vector<Span> spans_;     // by id
  std::vector<TokenId> table_;  // by hash, -1 where free; a power of two, at most half full
  std::vector<TokenId> twins_;
  int64_t count_ = 0;
};

/// The "vocab" of BPE, WordPiece and WordLevel: an object of token to id.
Result<Vocabulary> read_vocabulary(const ConfigView& vocab);

}  // namespace hearth::tokenizers
