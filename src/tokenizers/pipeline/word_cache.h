// WordCache: the ids of words seen lately. Only one piece in twenty of real text is new, so most words end here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizers/pipeline/hash.h"
#include "tokenizers/tokenizer.h"

namespace hearth::tokenizers {

/// A fixed number of short words, each with its ids in one cache line; a new word takes the line of an old one. For one
/// thread at a time.
class WordCache {
 public:
  static constexpr size_t kBytes = 30, kIds = 8;  ///< longer words are not kept

  struct alignas(64) Line {
    uint8_t size = 0;  // 0: free
    uint8_t count = 0;
    char bytes[kBytes];
    TokenId ids[kIds];

    bool holds(std::string_view word) const {
      return size == word.size() && std::memcmp(bytes, word.data(), word.size()) == 0;
    }
    void set(std::string_view word, std::span<const TokenId> of_word) {
      if (of_word.size() > kIds) return;
      size = static_cast<uint8_t>(word.size());
      count = static_cast<uint8_t>(of_word.size());
      std::memcpy(bytes, word.data(), word.size());
      std::copy(of_word.begin(), of_word.end(), ids);
    }
  };
  static_assert(sizeof(Line) == 64);

  /// Whether a word may have a line.
  static bool takes(std::string_view word) { return word.size() <= kBytes && !word.empty(); }
  /// The line where a word is or would be, for a word that may have one.
  Line& line_of(std::string_view word) { return lines_[hash_bytes(word) >> (64 - bits_)]; }
  /// Keeps the ids of a word that may have a line. Lines may move.
  void keep(std::string_view word, std::span<const TokenId> ids) {
    if (line_of(word).size != 0 && ++gone_ > lines_.size() / 4 && bits_ < kBitsMax) grow();
    line_of(word).set(word, ids);
  }

  /// Appends the ids of each piece to `out`: the known ones from here, the others as `encode` finds them, which puts
  /// the ids of a word into `ids` and may fail.
  template <class Encode>
  Status append(std::span<const std::string_view> pieces, std::vector<TokenId>& ids, std::vector<TokenId>& out,
                const Encode& encode) {
    // Room is made for many words at once: all eight ids of a line are copied, what is too much is taken back.
    constexpr size_t kChunk = 128;
    size_t n = out.size();
    for (size_t begin = 0; begin < pieces.size(); begin += kChunk) {
      const auto chunk = pieces.subspan(begin, std::min(kChunk, pieces.size() - begin));
      out.resize(n + chunk.size() * kIds);
      for (size_t i = 0; i < chunk.size(); ++i) {
        const auto word = chunk[i];
        Line* const line = takes(word) ? &line_of(word) : nullptr;
        if (line != nullptr && line->holds(word)) {
          std::copy(line->ids, line->ids + kIds, out.begin() + static_cast<ptrdiff_t>(n));
          n += line->count;
          continue;
        }
        ids.clear();
        if (auto status = encode(word); !status.ok()) return out.resize(n), std::move(status);
        if (line != nullptr) keep(word, ids);
        out.resize(n);
        out.insert(out.end(), ids.begin(), ids.end());
        n = out.size();
        out.resize(n + (chunk.size() - i) * kIds);
      }
    }
    out.resize(n);
    return {};
  }

 private:
  // It begins small, for a short text, and grows while words that were kept have to go: to 4 MB.
  static constexpr int kBitsMin = 10, kBitsMax = 16;

  void grow() {
    const auto old = std::move(lines_);
    bits_ += 2;
    gone_ = 0;
    lines_ = std::vector<Line>(size_t{1} << bits_);
    for (const auto& line : old)
      if (line.size != 0) line_of({line.bytes, line.size}) = line;
  }

  int bits_ = kBitsMin;
  size_t gone_ = 0;  // words that had to go since the last growth
  std::vector<Line> lines_ = std::vector<Line>(size_t{1} << kBitsMin);
};

}  // namespace hearth::tokenizers
