#include "tokenizers/pipeline/word_cache.h"

#include <sys/mman.h>

#include <algorithm>

namespace hearth::tokenizers {

bool WordCache::recorded(const Line& line, std::string_view word, std::span<const TokenId>& ids,
                         std::span<const uint32_t>& sizes) const {
  const uint32_t* const record = &records_[static_cast<uint32_t>(line.ids[0])];
  const size_t count = record[0];
  static_assert(sizeof(TokenId) == sizeof(uint32_t));
  ids = {reinterpret_cast<const TokenId*>(record + 1), count};
  sizes = {record + 1 + count, count};
  return word.size() <= kShort || std::memcmp(record + 1 + 2 * count, word.data(), word.size()) == 0;
}

void WordCache::keep(const Asked& asked, std::string_view word, const WordTokens& tokens) {
  if (word.size() > kWordMax) return;
  if (count_ > mask_ || records_.size() > kRecordsMax) grow();
  Line& line = place_of(asked.hash);
  line.key = asked.key;
  ++count_;
  const size_t n = tokens.ids.size();
  if (word.size() <= kShort && n <= kInLine) {
    line.count = static_cast<uint8_t>(n);
    for (size_t i = 0; i < n; ++i) {
      line.ids[i] = tokens.ids[i];
      line.sizes[i] = static_cast<uint8_t>(tokens.sizes[i]);
    }
    return;
  }
  line.count = kElsewhere;
  line.ids[0] = static_cast<TokenId>(records_.size());
  records_.push_back(static_cast<uint32_t>(n));
  records_.insert(records_.end(), tokens.ids.begin(), tokens.ids.end());
  records_.insert(records_.end(), tokens.sizes.begin(), tokens.sizes.end());
  if (word.size() <= kShort) return;
  const size_t at = records_.size();
  records_.resize(at + (word.size() + 3) / 4);
  std::memcpy(&records_[at], word.data(), word.size());
}

// A free line for a new word.
WordCache::Line& WordCache::place_of(uint64_t hash) {
  for (size_t i = hash >> shift_;; i = (i + 1) & mask_)
    for (auto& line : sets_[i].lines)
      if (line.key.high == 0) return line;
}

void WordCache::allocate(int bits) {
  constexpr size_t kHugePage = size_t{2} << 20;
  const size_t size = sizeof(Set) << bits;
  sets_.reset(static_cast<Set*>(std::aligned_alloc(size < kHugePage ? alignof(Set) : kHugePage, size)));
  VERIFY(sets_ != nullptr, "there is memory for the words");
  if (size >= kHugePage) ::madvise(sets_.get(), size, MADV_HUGEPAGE);
  std::memset(static_cast<void*>(sets_.get()), 0, size);
  bits_ = bits;
  shift_ = 64 - bits;
  mask_ = (size_t{1} << bits) - 1;
  count_ = 0;
}

// Four times as many sets; where that may not be, none of the words are kept.
void WordCache::grow() {
  if (bits_ >= kBitsMax || records_.size() > kRecordsMax) {
    std::memset(static_cast<void*>(sets_.get()), 0, sizeof(Set) << bits_);
    count_ = 0;
    records_.clear();
    return;
  }
  const auto old = std::move(sets_);
  const size_t sets = mask_ + 1;
  allocate(std::min(bits_ + 2, kBitsMax));
  for (size_t i = 0; i < sets; ++i) {
    for (const auto& line : old[i].lines) {
      if (line.key.high == 0) continue;
      place_of(hash_of(line.key)) = line;
      ++count_;
    }
  }
}

}  // namespace hearth::tokenizers
