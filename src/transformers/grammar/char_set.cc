#include "transformers/grammar/char_set.h"

#include <algorithm>

namespace hearth::grammar {
namespace {

constexpr char32_t kLast = 0x10FFFF, kSurrogateFirst = 0xD800, kSurrogateLast = 0xDFFF;

size_t encode(char32_t c, std::array<uint8_t, 4>& out) {
  const auto tail = [&](int shift) { return static_cast<uint8_t>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) return out = {static_cast<uint8_t>(c)}, 1;
  if (c < 0x800) return out = {static_cast<uint8_t>(0xC0 | c >> 6), tail(0)}, 2;
  if (c < 0x10000) return out = {static_cast<uint8_t>(0xE0 | c >> 12), tail(6), tail(0)}, 3;
  return out = {static_cast<uint8_t>(0xF0 | c >> 18), tail(12), tail(6), tail(0)}, 4;
}

/// Cuts a range where its characters grow by a byte, and where the bytes behind the first differing one are not all
/// possible ones. Source: Cox, "Regular Expression Matching in the Wild" (RE2); Rust's utf8-ranges.
void split(char32_t first, char32_t last, std::vector<Utf8Ranges>& out) {
  for (const char32_t end : {0x7F, 0x7FF, 0xFFFF})
    if (first <= end && end < last) {
      split(first, end, out);
      return split(end + 1, last, out);
    }
  for (int bytes = 1; bytes < 4 && last >= 0x80; ++bytes) {
    const char32_t mask = (char32_t{1} << (6 * bytes)) - 1;
    if ((first & ~mask) == (last & ~mask)) break;
    if ((first & mask) != 0) {
      split(first, first | mask, out);
      return split((first | mask) + 1, last, out);
    }
    if ((last & mask) != mask) {
      split(first, (last & ~mask) - 1, out);
      return split(last & ~mask, last, out);
    }
  }
  std::array<uint8_t, 4> low{}, high{};
  auto& way = out.emplace_back();
  way.length = encode(first, low);
  encode(last, high);
  for (size_t i = 0; i < way.length; ++i) way.bytes[i] = {low[i], high[i]};
}

}  // namespace

CharSet CharSet::of(std::string_view ascii) {
  CharSet out;
  for (const char c : ascii) out.add(static_cast<unsigned char>(c), static_cast<unsigned char>(c));
  return out;
}

CharSet& CharSet::add(char32_t first, char32_t last) {
  last = std::min(last, kLast);
  if (first > last) return *this;
  if (first <= kSurrogateLast && last >= kSurrogateFirst) {
    if (first < kSurrogateFirst) add(first, kSurrogateFirst - 1);
    return last > kSurrogateLast ? add(kSurrogateLast + 1, last) : *this;
  }
  ranges_.push_back({first, last});
  std::ranges::sort(ranges_, {}, &Range::first);
  std::vector<Range> merged;
  for (const auto& range : ranges_) {
    if (!merged.empty() && range.first <= merged.back().last + 1)
      merged.back().last = std::max(merged.back().last, range.last);
    else
      merged.push_back(range);
  }
  ranges_ = std::move(merged);
  return *this;
}

CharSet& CharSet::add(const CharSet& other) {
  for (const auto& [first, last] : other.ranges_) add(first, last);
  return *this;
}

CharSet CharSet::inverted() const {
  CharSet out;
  char32_t next = 0;
  for (const auto& [first, last] : ranges_) {
    if (first > next) out.add(next, first - 1);
    next = last + 1;
  }
  return out.add(next, kLast);
}

CharSet CharSet::without(const CharSet& other) const {
  return inverted().add(other).inverted();
}

bool CharSet::has(char32_t c) const {
  return std::ranges::any_of(ranges_, [c](const Range& range) { return range.first <= c && c <= range.last; });
}

std::vector<Utf8Ranges> utf8_ranges(const CharSet& set) {
  std::vector<Utf8Ranges> out;
  for (const auto& [first, last] : set.ranges()) split(first, last, out);
  return out;
}

}  // namespace hearth::grammar
