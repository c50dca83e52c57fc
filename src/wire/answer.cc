#include "wire/answer.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::wire {

void append_part(std::vector<AnswerPart>& parts, AnswerPart part) {
  using Kind = AnswerPart::Kind;
  const bool goes_on = !parts.empty() && (part.kind == Kind::arguments ? parts.back().kind == Kind::call
                                                                       : part.kind == parts.back().kind);
  if (goes_on && part.kind != Kind::call)
    parts.back().text += part.text;
  else
    parts.push_back(std::move(part));
}

std::string text_of(std::span<const AnswerPart> parts, AnswerPart::Kind kind) {
  std::string out;
  for (const auto& part : parts)
    if (part.kind == kind) out += part.text;
  return out;
}

bool has_calls(std::span<const AnswerPart> parts) {
  return std::ranges::any_of(parts, [](const AnswerPart& part) { return part.kind == AnswerPart::Kind::call; });
}

std::string readable(std::string_view bytes) {
  if (is_utf8(bytes)) return std::string(bytes);
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    size_t length = 4;
    while (length > 0 && (at + length > bytes.size() || !is_utf8(bytes.substr(at, length)))) --length;
    // Several characters of four bytes together are well-formed too.
    out += length > 0 ? bytes.substr(at, length) : std::string_view("\xEF\xBF\xBD");
    at += std::max<size_t>(length, 1);
  }
  return out;
}

}  // namespace hearth::wire
