#include "hub/catalog/postings.h"

#include <algorithm>
#include <cstring>

namespace hearth::hub::catalog {
namespace {

constexpr uint32_t bit(uint32_t slot) {
  return uint32_t{1} << (slot % 32);
}

// Keeps of `out` what is in `list` too; both ascend.
void intersect(std::vector<uint32_t>& out, const std::vector<uint32_t>& list) {
  size_t kept = 0;
  auto from = list.begin();
  const bool sparse = out.size() * 16 < list.size();
  for (const auto slot : out) {
    if (sparse) {
      // Doubling steps, then a binary search within the last.
      size_t step = 1;
      auto to = from;
      while (to != list.end() && *to < slot) {
        from = to;
        to = static_cast<size_t>(list.end() - to) > step ? to + static_cast<ptrdiff_t>(step) : list.end();
        step *= 2;
      }
      from = std::lower_bound(from, to, slot);
    } else {
      while (from != list.end() && *from < slot) ++from;
    }
    if (from == list.end()) break;
    if (*from == slot) out[kept++] = slot;
  }
  out.resize(kept);
}

}  // namespace

bool Postings::has(uint32_t slot) const {
  if (!is_bitmap_) return std::binary_search(data_.begin(), data_.end(), slot);
  return slot / 32 < data_.size() && (data_[slot / 32] & bit(slot));
}

void Postings::add(uint32_t slot) {
  if (is_bitmap_) {
    if (slot / 32 >= data_.size()) data_.resize(words_for(slot));
    auto& word = data_[slot / 32];
    count_ += (word & bit(slot)) == 0;
    word |= bit(slot);
    if (data_.size() > 2 * size_t{count_}) to_list();
    return;
  }
  if (data_.empty() || data_.back() < slot) {
    data_.push_back(slot);
  } else {
    const auto at = std::lower_bound(data_.begin(), data_.end(), slot);
    if (*at == slot) return;
    data_.insert(at, slot);
  }
  ++count_;
  if (words_for(data_.back()) <= data_.size()) to_bitmap();
}

void Postings::erase(uint32_t slot) {
  if (!has(slot)) return;
  --count_;
  if (!is_bitmap_) {
    data_.erase(std::lower_bound(data_.begin(), data_.end(), slot));
    return;
  }
  data_[slot / 32] &= ~bit(slot);
  if (data_.size() > 2 * size_t{count_}) to_list();
}

void Postings::to_bitmap() {
  std::vector<uint32_t> words(data_.empty() ? 0 : words_for(data_.back()));
  for (const auto slot : data_) words[slot / 32] |= bit(slot);
  data_ = std::move(words);
  is_bitmap_ = true;
}

void Postings::to_list() {
  data_ = slots();
  is_bitmap_ = false;
}

Postings Postings::as_bitmap() && {
  if (!is_bitmap_) to_bitmap();
  return std::move(*this);
}

std::vector<uint32_t> Postings::slots() const {
  if (!is_bitmap_) return data_;
  std::vector<uint32_t> out;
  out.reserve(count_);
  for (size_t i = 0; i < data_.size(); ++i)
    for (auto word = data_[i]; word != 0; word &= word - 1)
      out.push_back(static_cast<uint32_t>(i * 32) + static_cast<uint32_t>(__builtin_ctz(word)));
  return out;
}

// Of a list.
void Postings::keep(const Postings& other) {
  if (other.is_bitmap_)
    std::erase_if(data_, [&](uint32_t slot) { return !other.has(slot); });
  else
    intersect(data_, other.data_);
  count_ = static_cast<uint32_t>(data_.size());
}

Postings Postings::bitmap_intersection(std::span<const Postings* const> sets) {
  Postings out;
  out.is_bitmap_ = true;
  size_t words = sets[0]->data_.size();
  for (const auto* set : sets) words = std::min(words, set->data_.size());
  out.data_.resize(words);
  for (size_t at = 0; at < words; at += kBlockWords) {
    // Of a fixed length, on the stack: the compiler makes vector instructions of both loops.
    uint32_t block[kBlockWords];
    std::memcpy(block, &sets[0]->data_[at], sizeof block);
    for (const auto* set : sets.subspan(1)) {
      const uint32_t* other = &set->data_[at];
      for (size_t i = 0; i < kBlockWords; ++i) block[i] &= other[i];
    }
    std::memcpy(&out.data_[at], block, sizeof block);
    uint32_t bits = 0;
    for (auto x : block) {
      x -= (x >> 1) & 0x55555555;
      x = (x & 0x33333333) + ((x >> 2) & 0x33333333);
      x = (x + (x >> 4)) & 0x0F0F0F0F;
      x += x >> 8;
      bits += (x + (x >> 16)) & 0x3F;
    }
    out.count_ += bits;
  }
  if (words > 2 * size_t{out.count_}) out.to_list();
  return out;
}

Postings Postings::intersection(std::span<const Postings* const> sets) {
  if (std::all_of(sets.begin(), sets.end(), [](const auto* set) { return set->is_bitmap_; }))
    return sets.empty() ? Postings() : bitmap_intersection(sets);
  const auto* first = *std::find_if(sets.begin(), sets.end(), [](const auto* set) { return !set->is_bitmap_; });
  Postings out = *first;
  for (const auto* set : sets)
    if (set != first) out.keep(*set);
  return out;
}

}  // namespace hearth::hub::catalog
