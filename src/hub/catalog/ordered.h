// Numbers in the order of a key that lies elsewhere: a list of sorted blocks, so that one of a million moves in
// microseconds and a page is read in a row.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace hearth::hub::catalog {

/// `Less(a, b)` is a strict total order of the numbers present; it must not change for a number between its insertion
/// and its removal.
class Ordered {
 public:
  template <class Less>
  void assign(std::vector<uint32_t> numbers, Less&& less) {
    std::sort(numbers.begin(), numbers.end(), less);
    blocks_.clear();
    for (size_t at = 0; at < numbers.size(); at += kBlock / 2)
      blocks_.emplace_back(numbers.begin() + static_cast<ptrdiff_t>(at),
                           numbers.begin() + static_cast<ptrdiff_t>(std::min(at + kBlock / 2, numbers.size())));
  }

  template <class Less>
  void insert(uint32_t number, Less&& less) {
    if (blocks_.empty()) {
      blocks_.push_back({number});
      return;
    }
    const auto b = block_of([&](uint32_t other) { return less(other, number); });
    auto& block = blocks_[b];
    block.insert(std::lower_bound(block.begin(), block.end(), number, less), number);
    if (block.size() < kBlock) return;
    std::vector<uint32_t> upper(block.begin() + kBlock / 2, block.end());
    block.resize(kBlock / 2);
    blocks_.insert(blocks_.begin() + static_cast<ptrdiff_t>(b) + 1, std::move(upper));
  }

  template <class Less>
  void erase(uint32_t number, Less&& less) {
    if (blocks_.empty()) return;
    const auto b = block_of([&](uint32_t other) { return !less(number, other); });  // it may be a block's first
    auto& block = blocks_[b];
    const auto found = std::lower_bound(block.begin(), block.end(), number, less);
    if (found == block.end() || *found != number) return;
    block.erase(found);
    if (block.empty()) blocks_.erase(blocks_.begin() + static_cast<ptrdiff_t>(b));
  }

  /// Calls `visit` upwards from the first number for which `below` is false, until it returns false.
  template <class Below, class Visit>
  void walk_up(Below&& below, Visit&& visit) const {
    if (blocks_.empty()) return;
    auto b = block_of(below);
    auto at =
        static_cast<size_t>(std::partition_point(blocks_[b].begin(), blocks_[b].end(), below) - blocks_[b].begin());
    for (; b < blocks_.size(); ++b, at = 0)
      for (; at < blocks_[b].size(); ++at)
        if (!visit(blocks_[b][at])) return;
  }

  /// Calls `visit` downwards from the last number for which `below` is true, until it returns false.
  template <class Below, class Visit>
  void walk_down(Below&& below, Visit&& visit) const {
    if (blocks_.empty()) return;
    auto b = block_of(below);
    auto at =
        static_cast<size_t>(std::partition_point(blocks_[b].begin(), blocks_[b].end(), below) - blocks_[b].begin());
    while (true) {
      while (at > 0)
        if (!visit(blocks_[b][--at])) return;
      if (b == 0) return;
      at = blocks_[--b].size();
    }
  }

  size_t memory_bytes() const {
    size_t out = blocks_.capacity() * sizeof blocks_[0];
    for (const auto& block : blocks_) out += block.capacity() * sizeof(uint32_t);
    return out;
  }

 private:
  static constexpr size_t kBlock = 1024;

  // The last block whose first number is below, or the first block.
  template <class Below>
  size_t block_of(Below&& below) const {
    const auto after =
        std::partition_point(blocks_.begin(), blocks_.end(), [&](const auto& block) { return below(block.front()); });
    return after == blocks_.begin() ? 0 : static_cast<size_t>(after - blocks_.begin()) - 1;
  }

  std::vector<std::vector<uint32_t>> blocks_;  // none is empty
};

}  // namespace hearth::hub::catalog
