// WordCache: the ids of the words seen lately. Only one piece in twenty of real text is new, and nine in ten are short
// and few tokens: a hit is then one load of half a cache line, one multiplication, one comparison and one store.
//
//   1. A word of up to 15 bytes is its own key; a longer one's is its hash, and its bytes stand in a record.
//   2. Up to three ids stand in the line itself, more of them in a record.
//   3. Two lines are a set, which is one line of the processor's cache. A word stands in the first set from its hash on
//      that had room. Nothing is taken out alone: a table that is half full is followed by a larger one with the same
//      words, the largest one by an empty one.
//   4. All threads of a model share a table, so that none encodes what another has. A line is empty, claimed, or full,
//      in this order and never back: who claims it by its `high` (0 -> kClaimed) fills it, and storing the real `high`
//      last publishes it. Nobody waits; a word that two threads keep at once stands there twice.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/guarded.h"
#include "base/result.h"
#include "tokenizers/pipeline/hash.h"
#include "tokenizers/pipeline/parts.h"
#include "tokenizers/pipeline/word_tokens.h"

namespace hearth::tokenizers {

/// The lines of one size and the records behind them.
class WordTable {
 public:
  static constexpr size_t kInLine = 3;
  static constexpr uint8_t kElsewhere = 255;  ///< a count: the line has the address of a record in place of ids
  static constexpr uint64_t kClaimed = 1;     ///< the `high` of a line that is being filled

  /// A word as two numbers: its bytes, zeros, and its size last.
  struct Key {
    uint64_t low, high;
    friend bool operator==(const Key& a, const Key& b) { return ((a.low ^ b.low) | (a.high ^ b.high)) == 0; }
  };
  struct alignas(32) Line {
    uint64_t low, high;
    TokenId ids[kInLine];
    uint8_t count;
    uint8_t sizes[kInLine];

    /// What stands here may be read once this was the key of a word.
    Key key() {
      const uint64_t last = std::atomic_ref(high).load(std::memory_order_acquire);
      return {std::atomic_ref(low).load(std::memory_order_relaxed), last};
    }
    void publish(const Key& key) {
      std::atomic_ref(low).store(key.low, std::memory_order_relaxed);
      std::atomic_ref(high).store(key.high, std::memory_order_release);
    }
    const uint32_t* record() const {
      const uint32_t* out;
      std::memcpy(&out, ids, sizeof out);
      return out;
    }
  };
  static_assert(sizeof(Line) == 32 && offsetof(Line, ids) % alignof(uint32_t*) == 0);
  struct alignas(64) Set {
    Line lines[2];
  };

  explicit WordTable(int bits = kBitsMin);
  /// What follows this one, which is full.
  std::shared_ptr<WordTable> next() const;

  static uint64_t hash_of(const Key& key) { return fold(key.low ^ 0xa0761d6478bd642f, key.high ^ 0xe7037ed1a0b428db); }
  Set* sets() const { return sets_.get(); }
  int shift() const { return 64 - bits_; }
  size_t mask() const { return (size_t{1} << bits_) - 1; }
  bool is_full() const { return is_full_.load(std::memory_order_relaxed); }
  /// A free line for a new word, claimed, which count() is to hear of.
  Line& claim(uint64_t hash);
  /// So many lines more were claimed. Threads may save it up to count_step() of them each.
  void count(size_t lines);
  size_t count_step() const { return (mask() >> 12) + 1; }
  /// Room for records, of `size` and more, that lives as long as a table with lines that may point to it.
  std::span<uint32_t> room(size_t size);

 private:
  static constexpr int kBitsMin = 9, kBitsMax = 18;  // sets: it begins small, for a short text, and grows to 16 MB
  static constexpr size_t kChunk = size_t{1} << 14, kSlice = size_t{1} << 9, kRecordsMax = size_t{1} << 21;

  struct Free {
    void operator()(Set* sets) const { std::free(sets); }
  };
  struct Records {
    std::vector<std::shared_ptr<uint32_t[]>> chunks;
    size_t total = 0, used = 0, size = 0;  // of all chunks; of the last one
  };

  int bits_;
  std::unique_ptr<Set[], Free> sets_;
  std::atomic<size_t> count_ = 0;
  std::atomic<bool> is_full_ = false;
  mutable Guarded<Records> records_;
};

/// The table of a model. For any number of threads.
class SharedWords {
 public:
  /// Whether `table`, which the caller holds, has been followed by another.
  bool is_over(const WordTable* table) const { return newest_.load(std::memory_order_acquire) != table; }
  std::shared_ptr<WordTable> table() const;
  /// The table to use after one that is full.
  std::shared_ptr<WordTable> after(const WordTable* full);

 private:
  Guarded<std::shared_ptr<WordTable>> table_{std::make_shared<WordTable>()};
  std::atomic<const WordTable*> newest_{table().get()};
};

/// One thread's way to the words of a model.
class WordCache {
 public:
  static constexpr size_t kShort = 15, kInLine = WordTable::kInLine;
  static constexpr size_t kWordMax = 1024;  ///< bytes; longer words are not kept
  static constexpr size_t kBatch = 64;      ///< few enough that their lines are still near when they are looked at
  using Key = WordTable::Key;

  explicit WordCache(std::shared_ptr<SharedWords> words = std::make_shared<SharedWords>()) : words_(std::move(words)) {
    use(words_->table());
  }
  WordCache(const WordCache&) = delete;
  WordCache& operator=(const WordCache&) = delete;
  ~WordCache() { table_->count(uncounted_); }

  /// Appends the tokens of the pieces that `find_pieces` cuts `text` into: the known ones from here, the others as
  /// `encode` finds them, which puts those of a word into `found` and may fail. Places are bytes of the text. Returns
  /// how many pieces there were. `pieces`: room for them.
  template <class Encode>
  Result<uint32_t> append_text(std::string_view text, FindPieces find_pieces, std::span<PieceSpan> pieces,
                               WordTokens& found, Tokens& out, const Encode& encode) {
    uint32_t count = 0;
    if (words_->is_over(table_.get())) use(words_->table());
    for (size_t from = 0; from < text.size();) {
      const size_t n = find_pieces(text, from, pieces.data());
      TRY(append_spans(text, pieces.first(n), count, found, out, encode));
      count += static_cast<uint32_t>(n);
    }
    return count;
  }

  /// The same for pieces that stand anywhere. Places are bytes of each piece.
  template <class Encode>
  Status append(std::span<const std::string_view> pieces, WordTokens& found, Tokens& out, const Encode& encode) {
    struct Alone {
      std::span<const std::string_view> pieces;

      std::string_view operator[](size_t i) const { return pieces[i]; }
      uint32_t begin(size_t) const { return 0; }
      Key key(size_t i) const { return key_of(pieces[i].data(), pieces[i].size()); }
    };
    if (words_->is_over(table_.get())) use(words_->table());
    for (size_t i = 0; i < pieces.size(); i += kBatch) {
      const Alone words{pieces.subspan(i, std::min(kBatch, pieces.size() - i))};
      const auto number = [&](size_t k) { return static_cast<uint32_t>(i + k); };
      TRY(out.aligned ? append_batch<true>(words, words.pieces.size(), number, found, out, encode)
                      : append_batch<false>(words, words.pieces.size(), number, found, out, encode));
    }
    return {};
  }

 private:
  using Line = WordTable::Line;

  struct Asked {
    Key key;
    uint64_t hash;
  };

  // 1 <= size <= kShort; 16 bytes may be read.
  static Key key_before(const char* p, size_t size) {
    struct Masks {
      uint64_t low[kShort + 1] = {}, high[kShort + 1] = {};
      constexpr Masks() {
        for (size_t n = 0; n <= kShort; ++n) {
          low[n] = n < 8 ? (uint64_t{1} << 8 * n) - 1 : ~uint64_t{0};
          high[n] = n > 8 ? (uint64_t{1} << 8 * (n - 8)) - 1 : 0;
        }
      }
    };
    static constexpr Masks kMasks;
    return {load64(p) & kMasks.low[size], (load64(p + 8) & kMasks.high[size]) | static_cast<uint64_t>(size) << 56};
  }
  static Key key_of(const char* p, size_t size) {
    char padded[16] = {};
    std::memcpy(padded, p, size);
    return {load64(padded), load64(padded + 8) | static_cast<uint64_t>(size) << 56};
  }
  static Key key_of_long(std::string_view word) {
    return {hash_bytes(word), uint64_t{kShort + 1} << 56 | static_cast<uint64_t>(word.size())};
  }

  // nullptr when the word is not there.
  const Line* find(const Key& key, uint64_t hash) const {
    for (size_t i = hash >> shift_;; i = (i + 1) & mask_) {
      auto& lines = sets_[i].lines;
      const Key last = lines[1].key();
      Line& line = lines[last == key ? 1 : 0];
      if (line.key() == key) return &line;
      if (last.high == 0) return nullptr;
    }
  }

  template <class Encode>
  Status append_spans(std::string_view text, std::span<const PieceSpan> spans, uint32_t first, WordTokens& found,
                      Tokens& out, const Encode& encode) {
    struct InText {
      std::string_view text;
      std::span<const PieceSpan> spans;
      bool inside;  // 16 bytes may be read at each word

      std::string_view operator[](size_t i) const { return text.substr(spans[i].begin, spans[i].end - spans[i].begin); }
      uint32_t begin(size_t i) const { return spans[i].begin; }
      Key key(size_t i) const {
        const size_t size = spans[i].end - spans[i].begin;
        return inside ? key_before(text.data() + spans[i].begin, size) : key_of(text.data() + spans[i].begin, size);
      }
    };
    for (size_t i = 0; i < spans.size(); i += kBatch) {
      const auto batch = spans.subspan(i, std::min(kBatch, spans.size() - i));
      const InText words{text, batch, batch.back().begin + size_t{16} <= text.size()};
      const auto number = [&](size_t k) { return first + static_cast<uint32_t>(i + k); };
      TRY(out.aligned ? append_batch<true>(words, batch.size(), number, found, out, encode)
                      : append_batch<false>(words, batch.size(), number, found, out, encode));
    }
    return {};
  }

  // First the lines of all words are asked for, then all are taken.
  template <bool aligned, class Words, class Number, class Encode>
  Status append_batch(const Words& words, size_t n, const Number& number, WordTokens& found, Tokens& out,
                      const Encode& encode) {
    std::array<Asked, kBatch> asked;
    for (size_t i = 0; i < n; ++i) {
      const auto word = words[i];
      const Key key = word.size() <= kShort ? words.key(i) : key_of_long(word);
      asked[i] = {key, WordTable::hash_of(key)};
      __builtin_prefetch(&sets_[asked[i].hash >> shift_]);
    }
    std::array<TokenId, kBatch * kInLine + 1> ids;  // a whole line's numbers are copied: the last is none
    TokenId* to = ids.data();
    for (size_t i = 0; i < n; ++i) {
      const Line* line = find(asked[i].key, asked[i].hash);
      if (line != nullptr && line->count <= kInLine) [[likely]] {
        std::memcpy(to, reinterpret_cast<const char*>(line) + offsetof(Line, ids), sizeof *line - offsetof(Line, ids));
        to += line->count;
        if (aligned) add_places(number(i), words.begin(i), std::span(line->sizes, line->count), out.places);
        continue;
      }
      out.ids.insert(out.ids.end(), ids.data(), to);
      to = ids.data();
      const auto word = words[i];
      std::span<const TokenId> of_word;
      std::span<const uint32_t> sizes;
      if (line == nullptr || !recorded(*line, word, of_word, sizes)) {
        found.clear();
        TRY(encode(word));
        if (line == nullptr) keep(asked[i], word, found);
        of_word = found.ids;
        sizes = found.sizes;
      }
      out.ids.insert(out.ids.end(), of_word.begin(), of_word.end());
      if (aligned) add_places(number(i), words.begin(i), sizes, out.places);
    }
    out.ids.insert(out.ids.end(), ids.data(), to);
    return {};
  }

  template <class Size>
  static void add_places(uint32_t number, uint32_t begin, std::span<const Size> sizes, std::vector<TokenPlace>& out) {
    TokenPlace place{number, begin, begin};
    for (const Size size : sizes) {
      if (size > 0) place = {number, place.end, place.end + size};
      out.push_back(place);
    }
  }

  // What stands in the record of a line; false when it is another word's that has the same hash.
  static bool recorded(const Line& line, std::string_view word, std::span<const TokenId>& ids,
                       std::span<const uint32_t>& sizes);
  void keep(const Asked& asked, std::string_view word, const WordTokens& tokens);
  void use(std::shared_ptr<WordTable> table);
  uint32_t* record(size_t size);

  std::shared_ptr<SharedWords> words_;
  std::shared_ptr<WordTable> table_;
  WordTable::Set* sets_ = nullptr;  // the table's
  size_t mask_ = 0;
  int shift_ = 0;
  std::span<uint32_t> room_;  // for records
  size_t uncounted_ = 0;      // lines claimed
};

}  // namespace hearth::tokenizers
