// What the usual patterns ask of a character: letter, mark, number, white space, or none of these.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/text.h"
#include "base/unicode.h"

namespace hearth::tokenizers {

inline constexpr uint32_t kSpaceBit = 1;    ///< white space: unicode::space does not fit into a byte
inline constexpr uint32_t kNumericBit = 2;  ///< unicode::numeric

namespace detail {
constexpr std::array<uint8_t, 128> ascii_classes() {
  std::array<uint8_t, 128> out{};
  for (size_t c = 0; c < 128; ++c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) out[c] = unicode::letter;
    if (c >= '0' && c <= '9') out[c] = unicode::number | kNumericBit;
    if (c == ' ' || (c >= 9 && c <= 13)) out[c] = kSpaceBit;
  }
  return out;
}
}  // namespace detail

static_assert(unicode::letter < 256 && unicode::mark < 256 && unicode::number < 256, "the flags of one byte");
inline constexpr auto kAsciiClasses = detail::ascii_classes();

/// One character: what it is (letter, mark, number, kSpaceBit, kNumericBit) and how many bytes it has.
struct Character {
  uint32_t kind;
  uint32_t size;
};

inline Character look(std::string_view text, size_t at) {
  const auto b = static_cast<unsigned char>(text[at]);
  if (b < 0x80) return {kAsciiClasses[b], 1};
  size_t end = at;
  const uint32_t r = unicode::record(utf8_next(text, end));
  return {(r & (unicode::letter | unicode::mark | unicode::number)) | (r & unicode::space ? kSpaceBit : 0) |
              (r & unicode::numeric ? kNumericBit : 0),
          static_cast<uint32_t>(end - at)};
}

/// The end of 's 't 're 've 'm 'll 'd that begins with the apostrophe at `at`; `at` itself when there is none.
template <bool any_case>
size_t scan_contraction(std::string_view text, size_t at) {
  if (at + 1 >= text.size()) return at;
  const auto letter_at = [&](size_t i) {
    const char c = text[i];
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  };
  const char a = letter_at(at + 1);
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return at + 2;
  if (at + 2 >= text.size()) return at;
  if (any_case && text.substr(at + 1, 2) == "\u017F") return at + 3;  // the long s is an s in any case
  const char b = letter_at(at + 2);
  return ((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l') ? at + 3 : at;
}

}  // namespace hearth::tokenizers
