// Cutting a text by a pattern, with the five behaviours of the original.
// Source: tokenizers tokenizer/normalizer.rs NormalizedString::split, tokenizer/pattern.rs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/pipeline/parts.h"
#include "tokenizers/pipeline/regex.h"

namespace hearth::tokenizers {

enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// `config` holds "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext" or "Contiguous".
Result<SplitBehavior> split_behavior(const ConfigView& config);

/// A stretch of the text, of the pattern or between two of them; stretches cover the text in order.
struct Stretch {
  size_t begin, end;
  bool is_match;
};

/// Joins and drops the stretches as the behaviour says, and adds what is left.
void cut(TextView text, std::vector<Stretch>& stretches, SplitBehavior behavior, PiecesView& out);

/// What Split and Replace look for: {"String": "..."} or {"Regex": "..."}.
class Pattern {
 public:
  static Result<Pattern> build(const ConfigView& config);
  static Pattern literal(std::string text);
  std::vector<Stretch> stretches(std::string_view text) const;
  /// The text with `content` in the place of every match.
  std::string replace(std::string_view text, std::string_view content) const;
  void replace(AlignedText& text, std::string_view content) const;
  /// The literal, or the source of the expression.
  const std::string& source() const { return source_; }
  bool is_regex() const { return regex_.has_value(); }

 private:
  std::string source_;
  std::optional<Regex> regex_;
};

}  // namespace hearth::tokenizers
