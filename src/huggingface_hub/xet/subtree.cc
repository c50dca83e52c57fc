#include "huggingface_hub/xet_subtree.h"

#include <optional>

#include "huggingface_hub/xet/tree.h"

namespace hearth::xet {
namespace {

// Three entries that may end a group, so far from each other: whatever stands around them, a group ends at the middle
// one.
bool fits(size_t distance) {
  return distance >= kGroupMin && distance < kGroupMax - 1;
}

// Where a group begins for certain, the earliest such place.
std::optional<size_t> sure_begin(std::span<const TreeEntry> entries) {
  std::optional<size_t> one, two;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!ends_group(entries[i])) continue;
    if (one && two && fits(*two - *one) && fits(i - *two)) return *two + 1;
    one = two;
    two = i;
  }
  return std::nullopt;
}

// The latest such place.
std::optional<size_t> sure_end(std::span<const TreeEntry> entries) {
  std::optional<size_t> two, three;
  for (size_t i = entries.size(); i-- > 0;) {
    if (!ends_group(entries[i])) continue;
    if (two && three && fits(*two - i) && fits(*three - *two)) return *two + 1;
    three = two;
    two = i;
  }
  return std::nullopt;
}

}  // namespace

Subtree make_subtree(std::span<const TreeEntry> chunks, bool at_start, bool at_end) {
  std::vector<std::vector<TreeEntry>> lefts, rights;
  std::vector<TreeEntry> level(chunks.begin(), chunks.end());
  bool open_left = !at_start, open_right = !at_end;  // entries below wait for a neighbour
  for (;;) {
    const std::span<const TreeEntry> all(level);
    auto begin = all.size(), end = all.size();  // without a sure place all of it waits, at the left
    if (all.size() > 1) {
      const auto first = open_left ? sure_begin(all) : std::optional<size_t>(0);
      const auto last = !open_right ? all.size() : first ? sure_end(all.subspan(*first)) : std::nullopt;
      if (first && last) {
        const auto stop = open_right ? *first + *last : *last;
        if (*first < stop) begin = *first, end = stop;
      }
    }
    std::vector<TreeEntry> above;
    for (size_t at = begin; at < end;) {
      const auto size = group_size(all.subspan(at, end - at));
      above.push_back(group(all.subspan(at, size)));
      at += size;
    }
    lefts.emplace_back(all.begin(), all.begin() + static_cast<ptrdiff_t>(begin));
    rights.emplace_back(all.begin() + static_cast<ptrdiff_t>(end), all.end());
    open_left |= !lefts.back().empty();
    open_right |= !rights.back().empty();
    if (above.empty()) break;
    level = std::move(above);
    if (level.size() == 1) {
      lefts.push_back(std::move(level));
      rights.emplace_back();
      break;
    }
  }
  Subtree out{.nodes = {}, .levels = {}, .at_start = at_start, .at_end = at_end};
  for (size_t i = 0; i < lefts.size(); ++i) {
    out.levels.emplace_back(lefts[i].size(), rights[i].size());
    out.nodes.insert(out.nodes.end(), lefts[i].begin(), lefts[i].end());
  }
  for (size_t i = rights.size(); i-- > 0;) out.nodes.insert(out.nodes.end(), rights[i].begin(), rights[i].end());
  return out;
}

}  // namespace hearth::xet
