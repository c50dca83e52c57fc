// Spans of time as people write them on command lines and in forms: "90m", "12h", "30d".
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/text.h"

namespace hearth::server {

/// In milliseconds; s, m, h, d, w or y after a whole number. bad_input otherwise, and beyond a hundred years.
inline Result<int64_t> read_span_ms(std::string_view text) {
  constexpr std::pair<char, int64_t> units[] = {{'s', 1},     {'m', 60},     {'h', 3600},
                                                {'d', 86400}, {'w', 604800}, {'y', 31536000}};
  const auto number = text.empty() ? std::nullopt : parse_int(text.substr(0, text.size() - 1));
  for (const auto& [letter, seconds] : units)
    if (number && text.back() == letter && *number > 0 && *number <= 100 * 31536000LL / seconds)
      return *number * seconds * 1000;
  return Status(Code::bad_input, cat("'", text.substr(0, 40), "' is no span of time: 90m, 12h, 30d"));
}

}  // namespace hearth::server
