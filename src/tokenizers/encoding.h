// Encoding: what a Tokenizer makes of a text, and the two things done to it afterwards, truncation and padding.
// Source: tokenizers 0.23 tokenizer/encoding.rs, utils/truncation.rs, utils/padding.rs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth {

using TokenId = int32_t;

/// A stretch [begin, end) of the input.
struct TextSpan {
  uint32_t begin = 0, end = 0;
  friend bool operator==(const TextSpan&, const TextSpan&) = default;
};

enum class Side : uint8_t { left, right };

/// A token whose text in this input is not what its id stands for: an added token that took white space with it, or a
/// piece that became the unknown token.
struct SpeltToken {
  uint32_t index;
  std::string text;
};

struct Encoding {
  std::vector<TokenId> ids;
  std::vector<int32_t> type_ids;             ///< one an id; empty when all are 0
  std::vector<uint8_t> special_tokens_mask;  ///< one an id: 1 where the post-processor or padding added it
  std::vector<uint8_t> attention_mask;       ///< one an id: 0 where padding added it; empty when all are 1
  std::vector<TextSpan> offsets;             ///< one an id, {0, 0} for added ones; empty unless asked for
  std::vector<int32_t> word_ids;             ///< one an id, -1 for none; empty unless offsets were asked for
  std::vector<SpeltToken> spelt;             ///< by index; empty unless offsets were asked for
  /// Which ids are of the first and the second text of a pair; without any, all are of the first.
  std::array<std::optional<TextSpan>, 2> sequences;
  /// What truncation cut off, each as long as this one and, as asked, sharing `stride` ids with its neighbour.
  std::vector<Encoding> overflowing;

  size_t size() const { return ids.size(); }
  /// The text, 0 or 1, that an id came from; -1 for special tokens and padding.
  int sequence_of(size_t index) const;
  /// Keeps `max_length` ids from the side opposite to `from`; the rest becomes `overflowing`. 0 <= stride < max_length,
  /// or max_length == 0.
  void truncate(size_t max_length, size_t stride, Side from = Side::right);
  /// Appends what `other` has; overflows combine, each with each.
  void append(const Encoding& other);
  /// Adds pad ids on `side` until `length` (overflows too); nothing when it is that long already.
  void pad(size_t length, TokenId pad_id, int32_t pad_type_id, Side side = Side::right);
};

/// Which text of a pair loses ids.
enum class TruncationStrategy : uint8_t { longest_first, only_first, only_second };

struct Truncation {
  size_t max_length = 512;  ///< ids in all, special tokens among them
  size_t stride = 0;        ///< ids that an overflow shares with its neighbour
  TruncationStrategy strategy = TruncationStrategy::longest_first;
  Side side = Side::right;  ///< where ids are cut off
  /// As transformers' classes in Python code cut: a text that is too short or absent is no error, no overflow is kept,
  /// and of two texts cut to half each the first gets the odd id.
  bool is_lenient = false;
};

struct Padding {
  std::optional<size_t> length;  ///< fixed; none: the longest of the batch
  size_t to_multiple_of = 0;     ///< 0: any length
  TokenId pad_id = 0;
  int32_t pad_type_id = 0;
  std::string pad_token = "[PAD]";
  Side side = Side::right;
};

/// Cuts one encoding, or a pair of them, to `max_length` ids in all. bad_input when the strategy cannot: no second text
/// to cut, a text too short for what must go, a stride that is not below the length left.
Status truncate(std::span<Encoding> encodings, const Truncation& truncation);

/// All to one length.
void pad(std::span<Encoding> batch, const Padding& padding);

}  // namespace hearth
