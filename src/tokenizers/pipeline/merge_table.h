// MergeTable: (left id, right id) -> (rank, merged id) in one flat hash table; and the merging of a word by it.
// Source: Sennrich et al., arXiv:1508.07909; order of merges as tokenizers models/bpe/word.rs: lowest rank, then
// leftmost.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
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
  void reserve(size_t count) {
    slots_.assign(std::bit_ceil(count * 2 + 2), {});
    shift_ = 64 - std::countr_zero(slots_.size());
  }
  /// A pair set twice keeps the later merge, as the original's map does. Room must have been reserved.
  void set(TokenId left, TokenId right, Merge merge) {
    auto& slot = slots_[find(key(left, right))];
    slot = {key(left, right), merge};
    rank_end_ = std::max(rank_end_, merge.rank + 1);
  }
  Merge get(TokenId left, TokenId right) const { return slots_[find(key(left, right))].merge; }
  uint32_t rank_end() const { return rank_end_; }  ///< above every rank

 private:
  struct Slot {
    uint64_t key = UINT64_MAX;
    Merge merge;
  };
  static uint64_t key(TokenId left, TokenId right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  size_t find(uint64_t k) const {
    const size_t mask = slots_.size() - 1;
    size_t i = (k ^ k >> 29) * 0x9E3779B97F4A7C15 >> shift_;
    while (slots_[i].key != k && slots_[i].key != UINT64_MAX) i = (i + 1) & mask;
    return i;
  }

  std::vector<Slot> slots_ = std::vector<Slot>(2);
  int shift_ = 63;
  uint32_t rank_end_ = 0;
};

/// The buffers of merge_word, kept from word to word.
struct MergeBuffers {
  std::vector<Merge> merges;             // of the pair that begins at each symbol, in a long word
  std::vector<uint32_t> previous, next;  // neighbours in a long word
  std::vector<uint64_t> queue;           // rank << 32 | position
};

/// What the pairs of raw bytes merge to, where each byte is a symbol.
using BytePairs = std::vector<Merge>;  // by left byte * 256 + right byte; empty: not known

/// Merges neighbours in `word` until none merge; the sizes are summed up. `bytes`: what the symbols stand for, if each
/// is one byte of it and `byte_pairs` is known.
void merge_word(WordTokens& word, const MergeTable& table, MergeBuffers& buffers, std::string_view bytes = {},
                const BytePairs& byte_pairs = {});

}  // namespace hearth::tokenizers
