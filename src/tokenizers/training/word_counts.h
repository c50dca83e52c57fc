// WordCounts: the different words of a corpus and how often each came; letters in an arena, found by a flat hash table.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "tokenizers/pipeline/hash.h"

namespace hearth::tokenizers {

/// A view; the owner of the letters is the WordCounts.
struct CountedWordView {
  std::string_view text;
  uint64_t count;
};

class WordCounts {
 public:
  WordCounts() = default;
  WordCounts(WordCounts&&) = default;
  WordCounts& operator=(WordCounts&&) = default;
  void add(std::string_view word, uint64_t count = 1) { add(word, hash_bytes(word), count); }
  /// All words of another one.
  void add(const WordCounts& other) {
    for (const auto& e : other.entries_) add(other.text(e), e.hash, e.count);
  }

  size_t size() const { return entries_.size(); }
  uint64_t total() const;  ///< words, each as often as it came
  /// The most frequent first, those of equal count by their bytes: the same however the work was shared.
  std::vector<CountedWordView> sorted() const;
  std::vector<CountedWordView> words() const;  ///< in the order in which they came first

 private:
  struct Entry {
    const char* letters;
    uint64_t hash;
    uint64_t count;
    uint32_t size;
  };
  static std::string_view text(const Entry& e) { return {e.letters, e.size}; }
  void add(std::string_view word, uint64_t hash, uint64_t count) {
    size_t i = hash & mask_;
    for (; table_[i] != 0; i = (i + 1) & mask_) {
      auto& e = entries_[table_[i] - 1];
      if (e.hash == hash && text(e) == word) {
        e.count += count;
        return;
      }
    }
    insert(i, word, hash, count);
  }
  void insert(size_t slot, std::string_view word, uint64_t hash, uint64_t count);
  void grow();
  const char* keep(std::string_view word);

  static constexpr size_t kBlock = size_t{1} << 18;
  std::vector<Entry> entries_;
  std::vector<uint32_t> table_ = std::vector<uint32_t>(1024);  // one more than an index into entries_; 0: free
  size_t mask_ = 1023;
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t free_ = 0;  // bytes left in the last block, at its end
  char* next_ = nullptr;
};

}  // namespace hearth::tokenizers
