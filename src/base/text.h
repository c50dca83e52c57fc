// Small string tools: joining, splitting, trimming, ASCII case, numbers, and UTF-8 checked by the Unicode standard's
// table 3-7.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace hearth {

namespace detail {
inline void append(std::string& out, std::string_view part) {
  out.append(part);
}
inline void append(std::string& out, char part) {
  out.push_back(part);
}
template <class N>
requires(std::is_arithmetic_v<N> && !std::is_same_v<N, char>) void append(std::string& out, N number) {
  if constexpr (std::is_same_v<N, bool>) {
    out.append(number ? "true" : "false");
  } else {
    char buffer[40];
    out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr);
  }
}
}  // namespace detail

/// The parts one after another: cat("layer ", 3, ": ", name). Numbers print in their shortest exact form.
template <class... Parts>
std::string cat(const Parts&... parts) {
  std::string out;
  (detail::append(out, parts), ...);
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// Without ASCII white space at both ends.
std::string_view trim(std::string_view text);
std::string to_lower_ascii(std::string_view text);
bool equals_ignore_case(std::string_view a, std::string_view b);
bool contains(std::string_view text, std::string_view part);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);
/// The whole text as a decimal number, nothing around it.
std::optional<int64_t> parse_int(std::string_view text);
std::optional<double> parse_double(std::string_view text);
/// Shell-style pattern as Python's fnmatch: `*`, `?`, `[seq]`, `[!seq]`; `*` crosses `/`.
bool fnmatch(std::string_view pattern, std::string_view text);
/// Levenshtein distance in bytes: for "did you mean".
size_t edit_distance(std::string_view a, std::string_view b);
/// "1.5 GB": decimal units, as the `hf` tool prints sizes.
std::string human_size(uint64_t size_bytes);

// ---- UTF-8 ----
/// True when the bytes are well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool is_utf8(std::string_view bytes);
/// Byte index of the first ill-formed sequence, or npos.
size_t utf8_error(std::string_view bytes);
/// As Python's bytes.decode(errors="replace"): U+FFFD for each ill-formed part, the rest as it is.
std::string utf8_replace_errors(std::string_view bytes);
/// Text from outside as one line for a terminal: control characters are shown ("\\n", "\\x1b") instead of obeyed, and
/// ill-formed UTF-8 is replaced.
std::string printable(std::string_view text);
/// Reads the code point at `index` and moves `index` past it. The text must be well-formed from there.
inline char32_t utf8_next(std::string_view text, size_t& index) {
  const auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  const char32_t b = byte(index);
  if (b < 0x80) return index += 1, b;
  if (b < 0xE0) return index += 2, (b & 0x1F) << 6 | (byte(index - 1) & 0x3F);
  if (b < 0xF0) return index += 3, (b & 0x0F) << 12 | (byte(index - 2) & 0x3F) << 6 | (byte(index - 1) & 0x3F);
  index += 4;
  return (b & 0x07) << 18 | (byte(index - 3) & 0x3F) << 12 | (byte(index - 2) & 0x3F) << 6 | (byte(index - 1) & 0x3F);
}
void utf8_append(std::string& out, char32_t code_point);
/// The number of code points of well-formed text.
size_t utf8_length(std::string_view text);
/// The bytes at the end that begin a code point without finishing it (0 to 3), for streams cut in mid-character.
size_t utf8_incomplete_tail(std::string_view bytes);

}  // namespace hearth
