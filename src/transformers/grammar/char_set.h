// CharSet: a set of Unicode scalar values.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hearth::grammar {

/// Ranges in order, none touching the next. Surrogates are in none.
class CharSet {
 public:
  struct Range {
    char32_t first = 0, last = 0;
  };
  CharSet() = default;
  static CharSet of(char32_t first, char32_t last) { return CharSet().add(first, last); }
  static CharSet of(std::string_view ascii);
  static CharSet all() { return CharSet().add(0, 0x10FFFF); }

  CharSet& add(char32_t first, char32_t last);
  CharSet& add(const CharSet& other);
  CharSet inverted() const;
  CharSet without(const CharSet& other) const;
  bool has(char32_t c) const;
  bool empty() const { return ranges_.empty(); }
  const std::vector<Range>& ranges() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

/// One way to write some of a set's characters: each byte is in the range at its place.
struct Utf8Ranges {
  struct Bytes {
    uint8_t first = 0, last = 0;
  };
  std::array<Bytes, 4> bytes = {};
  size_t length = 0;
};
/// All ways; no byte sequence is in two of them.
std::vector<Utf8Ranges> utf8_ranges(const CharSet& set);

}  // namespace hearth::grammar
