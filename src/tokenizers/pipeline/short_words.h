// ShortWords: the ids of words of up to 15 bytes and three tokens, two to a cache line. Nine in ten words of real text
// are one token and shorter than that: a hit is one load, one multiplication, one comparison and one store.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "tokenizers/pipeline/hash.h"
#include "tokenizers/tokenizer.h"

namespace hearth::tokenizers {

class ShortWords {
 public:
  static constexpr size_t kBytes = 15, kIds = 3;
  static constexpr uint8_t kElsewhere = 255;  ///< a count: the word is known, but does not fit into a line

  /// A word as two numbers: its bytes, zeros, and its size last.
  struct Key {
    uint64_t low, high;
    friend bool operator==(const Key&, const Key&) = default;
  };
  /// `readable`: how many bytes from `p` on may be read; 1 <= size <= kBytes.
  static Key key(const char* p, size_t size, size_t readable) {
    char padded[16] = {};
    if (readable < 16) p = static_cast<const char*>(std::memcpy(padded, p, size));
    Key out{load64(p), load64(p + 8)};
    // Shifts by 64 are undefined, so each half has its own way to keep nothing or all.
    const size_t bits = size * 8;
    if (size < 8) {
      out.low &= (uint64_t{1} << bits) - 1;
      out.high = 0;
    } else {
      out.high &= (uint64_t{1} << (bits - 64)) - 1;
    }
    out.high |= static_cast<uint64_t>(size) << 56;
    return out;
  }

  struct alignas(32) Line {
    Key key{0, 0};
    TokenId ids[kIds];
    uint8_t count = 0;
    uint8_t sizes[kIds];  ///< bytes of each token
  };
  static_assert(sizeof(Line) == 32);

  static uint64_t hash(const Key& key) { return fold(key.low ^ 0xa0761d6478bd642f, key.high ^ 0xe7037ed1a0b428db); }
  void prefetch(uint64_t hash) const { __builtin_prefetch(&lines_[set_of(hash)]); }
  /// nullptr when the word is not there.
  const Line* find(const Key& key, uint64_t hash) const {
    const Line* set = &lines_[set_of(hash)];
    if (set[0].key == key) return set;
    return set[1].key == key ? set + 1 : nullptr;
  }
  /// A line for a new word, whose key is set; the older of two others may have to go.
  Line& add(const Key& key, uint64_t hash) {
    Line* set = &lines_[set_of(hash)];
    if (set[1].key.high != 0 && ++gone_ > lines_.size() / 8 && bits_ < kBitsMax) {
      grow();
      set = &lines_[set_of(hash)];
    }
    set[1] = set[0];
    set[0].key = key;
    return set[0];
  }

 private:
  // It begins small, for a short text, and grows while words that were kept have to go: to 8 MB.
  static constexpr int kBitsMin = 12, kBitsMax = 18;

  size_t set_of(uint64_t hash) const { return (hash >> (64 - bits_)) & ~uint64_t{1}; }
  void grow() {
    const auto old = std::move(lines_);
    bits_ += 2;
    gone_ = 0;
    lines_ = std::vector<Line>(size_t{1} << bits_);
    for (const auto& line : old) {
      if (line.key.high == 0) continue;
      Line* set = &lines_[set_of(hash(line.key))];
      set[1] = set[0];
      set[0] = line;
    }
  }

  int bits_ = kBitsMin;
  size_t gone_ = 0;  // words that had to go since the last growth
  std::vector<Line> lines_ = std::vector<Line>(size_t{1} << kBitsMin);
};

}  // namespace hearth::tokenizers
