#include "hub/object_id.h"

#include <algorithm>
#include <charconv>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/hash.h"

namespace hearth::hub {
namespace {

constexpr size_t kDigits = 24;

std::string hex_number(uint64_t number, size_t digits) {
  constexpr std::string_view letters = "0123456789abcdef";
  std::string out(digits, '0');
  for (size_t at = digits; at-- > 0 && number != 0; number >>= 4) out[at] = letters[number & 15];
  return out;
}

}  // namespace

std::string new_object_id() {
  return hex_number(static_cast<uint64_t>(now_ms() / 1000) & 0xffffffff, 8) + to_hex(random_bytes(8));
}

bool is_object_id(std::string_view text) {
  return text.size() == kDigits &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string object_id_of(int64_t number) {
  return hex_number(static_cast<uint64_t>(number), kDigits);
}

std::optional<int64_t> number_of_object_id(std::string_view id) {
  int64_t out = 0;
  const auto* end = id.data() + id.size();
  if (!is_object_id(id)) return std::nullopt;
  const auto [at, error] = std::from_chars(id.data(), end, out, 16);
  return error == std::errc() && at == end && out > 0 ? std::optional(out) : std::nullopt;
}

}  // namespace hearth::hub
