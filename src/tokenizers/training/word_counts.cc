#include "tokenizers/training/word_counts.h"

#include <algorithm>
#include <cstring>

#include "base/result.h"

namespace hearth::tokenizers {

const char* WordCounts::keep(std::string_view word) {
  if (word.size() > free_) {
    const size_t size = std::max(word.size(), kBlock);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    next_ = blocks_.back().get();
    free_ = size;
  }
  char* out = next_;
  if (!word.empty()) std::memcpy(out, word.data(), word.size());
  next_ += word.size();
  free_ -= word.size();
  return out;
}

void WordCounts::insert(size_t slot, std::string_view word, uint64_t hash, uint64_t count) {
  VERIFY(entries_.size() < UINT32_MAX - 1 && word.size() <= UINT32_MAX, "four thousand million words fill any memory");
  entries_.push_back({keep(word), hash, count, static_cast<uint32_t>(word.size())});
  table_[slot] = static_cast<uint32_t>(entries_.size());
  if (entries_.size() * 2 > table_.size()) grow();
}

void WordCounts::grow() {
  table_.assign(table_.size() * 2, 0);
  mask_ = table_.size() - 1;
  for (size_t k = 0; k < entries_.size(); ++k) {
    size_t i = entries_[k].hash & mask_;
    while (table_[i] != 0) i = (i + 1) & mask_;
    table_[i] = static_cast<uint32_t>(k + 1);
  }
}

uint64_t WordCounts::total() const {
  uint64_t out = 0;
  for (const auto& e : entries_) out += e.count;
  return out;
}

std::vector<CountedWordView> WordCounts::words() const {
  std::vector<CountedWordView> out;
  out.reserve(entries_.size());
  for (const auto& e : entries_) out.push_back({text(e), e.count});
  return out;
}

std::vector<CountedWordView> WordCounts::sorted() const {
  auto out = words();
  std::sort(out.begin(), out.end(), [](const CountedWordView& a, const CountedWordView& b) {
    return a.count != b.count ? a.count > b.count : a.text < b.text;
  });
  return out;
}

}  // namespace hearth::tokenizers
