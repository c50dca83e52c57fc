// A set of slots: the numbers in ascending order, or a bitmap where that takes less memory.
//
// 1. A bitmap's length is a whole number of blocks (kBlockWords), so that loops over it have a fixed length and no
// tail.
// 2. The form changes by itself: to a bitmap when that is no longer than the list, back when it is twice as long.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace hearth::hub::catalog {

class Postings {
 public:
  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  bool has(uint32_t slot) const;
  void add(uint32_t slot);
  void erase(uint32_t slot);

  /// What is in all of them; best with the smallest first.
  static Postings intersection(std::span<const Postings* const> sets);
  /// The same set, quick to ask `has` of.
  Postings as_bitmap() &&;
  /// In ascending order.
  std::vector<uint32_t> slots() const;

  void shrink_to_fit() { data_.shrink_to_fit(); }
  size_t memory_bytes() const { return data_.capacity() * sizeof data_[0]; }

 private:
  static constexpr size_t kBlockWords = 64;
  static size_t words_for(uint32_t slot) { return (slot / 32 / kBlockWords + 1) * kBlockWords; }
  void to_bitmap();
  void to_list();
  void keep(const Postings& other);
  static Postings bitmap_intersection(std::span<const Postings* const> sets);

  std::vector<uint32_t> data_;  // slots, or words of 32 bits
  uint32_t count_ = 0;
  bool is_bitmap_ = false;
};

}  // namespace hearth::hub::catalog
