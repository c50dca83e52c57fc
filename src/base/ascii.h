// How much of a text is plain ASCII: the question that most loops over UTF-8 begin with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace hearth {

/// The number of bytes below 0x80 at the begin.
inline size_t ascii_prefix(std::string_view bytes) {
  constexpr uint64_t kHigh = 0x8080808080808080;
  const auto word = [&](size_t at) {
    uint64_t out;
    std::memcpy(&out, bytes.data() + at, 8);
    return out;
  };
  size_t i = 0;
  while (i + 32 <= bytes.size() && ((word(i) | word(i + 8) | word(i + 16) | word(i + 24)) & kHigh) == 0) i += 32;
  while (i + 8 <= bytes.size() && (word(i) & kHigh) == 0) i += 8;
  while (i < bytes.size() && static_cast<unsigned char>(bytes[i]) < 0x80) ++i;
  return i;
}

}  // namespace hearth
