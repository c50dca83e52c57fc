#include "tokenizers/python/python_text.h"

#include <vector>

#include "base/text.h"
#include "base/unicode.h"

namespace hearth::tokenizers::python {

namespace {

bool is_case_ignorable(char32_t c) {
  using enum unicode::Category;
  const auto category = unicode::category(c);
  return category == Mn || category == Me || category == Cf || category == Lm || category == Sk || c == '\'' ||
         c == '.' || c == ':' || c == 0xB7 || c == 0x2019;
}

}  // namespace

bool is_space(char32_t c) {
  return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x1F) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

std::string_view strip(std::string_view text) {
  size_t begin = 0, end = 0;
  bool started = false;
  for (size_t at = 0; at < text.size();) {
    const size_t before = at;
    if (is_space(utf8_next(text, at))) continue;
    if (!started) begin = before;
    started = true;
    end = at;
  }
  return text.substr(begin, end - begin);
}

bool is_cased(char32_t c) {
  const auto category = unicode::category(c);
  return category == unicode::Category::Lu || category == unicode::Category::Ll || category == unicode::Category::Lt;
}

void append_lower(std::string& out, std::span<const char32_t> text, size_t i) {
  if (text[i] != 0x3A3) return unicode::append_lower(out, text[i]);
  size_t before = i, after = i + 1;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  const bool final = before > 0 && is_cased(text[before - 1]) && (after == text.size() || !is_cased(text[after]));
  utf8_append(out, final ? 0x3C2 : 0x3C3);
}

std::string lower(std::string_view text) {
  std::vector<char32_t> points;
  for (size_t i = 0; i < text.size();) points.push_back(utf8_next(text, i));
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < points.size(); ++i) append_lower(out, points, i);
  return out;
}

}  // namespace hearth::tokenizers::python
