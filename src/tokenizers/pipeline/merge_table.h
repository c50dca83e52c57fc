// MergeTable: (left id, right id) -> (rank, merged id) in one flat hash table; and the merging of a word by it.
// Source: Sennrich et al., arXiv:1508.07909; order of merges as tokenizers models/bpe/word.rs: lowest rank, then
// leftmost.
//
// A long word is merged in windows. In an orderly table (each token is made by one pair, and later than the two that
// it is made of) ranks only grow while a word is merged, so what stands at the end of a stretch at the time of each
// rank follows from its last token alone, and what stands at its begin from the first: meets() says from these two
// whether anything would ever merge across. Where nothing does, two stretches that were merged alone stand side by side
// just as the whole would. Windows therefore begin a little before the end of the one before, where tokens do not meet;
// where no such place is found, and for other tables, a heap of pairs is kept, which merge_by_heap() has as definition.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizers/pipeline/hash.h"
#include "tokenizers/pipeline/word_tokens.h"

namespace hearth::tokenizers {

struct Merge {
  uint32_t rank = UINT32_MAX;  ///< UINT32_MAX: the two do not merge
  TokenId id = -1;
};

class MergeTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  void reserve(size_t count) {
    slots_.assign(std::bit_ceil(count * 2 + 2), {});
    shift_ = 64 - std::countr_zero(slots_.size());
    rows_.reserve(count);
  }
  /// The next merge, whose rank is how many there were before. A pair given twice keeps the later one, as the
  /// original's map does. Room must have been reserved.
  void add(TokenId left, TokenId right, TokenId id);
  /// After the last merge.
  void finish();

  /// The rank of a pair; kNone: the two do not merge.
  uint32_t rank(TokenId left, TokenId right) const { return get(left, right).rank; }
  Merge get(TokenId left, TokenId right) const { return slots_[find(left, right)].merge; }
  uint32_t rank_end() const { return static_cast<uint32_t>(rows_.size()); }  ///< above every rank

  bool is_orderly() const { return is_orderly_; }
  /// Whether a merge makes this token.
  bool is_made(TokenId id) const { return static_cast<size_t>(id) < made_.size() && made_[id] != kNone; }
  /// Whether anything merges across, where a text that is merged to end with `left` stands before one that is merged to
  /// begin with `right`. Only for an orderly table, and symbols at first that no merge makes.
  bool meets(TokenId left, TokenId right) const;

 private:
  struct Slot {
    uint64_t key = UINT64_MAX;
    Merge merge;
  };
  struct Row {
    TokenId left, right, id;
  };
  static uint64_t key(TokenId left, TokenId right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  size_t find(TokenId left, TokenId right) const {
    const uint64_t k = key(left, right);
    const size_t mask = slots_.size() - 1;
    size_t i = (k ^ k >> 29) * 0x9E3779B97F4A7C15 >> shift_;
    while (slots_[i].key != k && slots_[i].key != UINT64_MAX) i = (i + 1) & mask;
    return i;
  }
  uint32_t made(TokenId id) const { return static_cast<size_t>(id) < made_.size() ? made_[id] : kNone; }

  std::vector<Slot> slots_ = std::vector<Slot>(2);
  std::vector<Row> rows_;       // by rank
  std::vector<uint32_t> made_;  // by id: the rank of the pair that makes it, in an orderly table
  int shift_ = 63;
  bool is_orderly_ = false;
};

/// The buffers of merge_word, kept from word to word.
struct MergeBuffers {
  std::vector<Merge> merges;             // of the pair that begins at each symbol, in a long word
  std::vector<uint32_t> previous, next;  // neighbours in a long word
  std::vector<uint64_t> queue;           // rank << 32 | position
  WordTokens joined;                     // of the windows so far
  std::vector<uint32_t> begins;          // which symbol each of them begins at
};

/// What the pairs of raw bytes merge to, where each byte is a symbol.
using BytePairs = std::vector<Merge>;  // by left byte * 256 + right byte; empty: not known

/// Merges neighbours in `word` until none merge; the sizes are summed up. `bytes`: what the symbols stand for, if each
/// is one byte of it and `byte_pairs` is known.
void merge_word(WordTokens& word, const MergeTable& table, MergeBuffers& buffers, std::string_view bytes = {},
                const BytePairs& byte_pairs = {});

/// The definition of merge_word.
void merge_by_heap(WordTokens& word, const MergeTable& table, MergeBuffers& buffers);

}  // namespace hearth::tokenizers
