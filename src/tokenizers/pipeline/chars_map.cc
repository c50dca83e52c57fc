#include "tokenizers/pipeline/chars_map.h"

#include <bit>
#include <cstring>

#include "base/text.h"

namespace hearth::tokenizers {

namespace {

size_t offset(uint32_t unit) {
  return static_cast<size_t>(unit >> 10) << ((unit & 1u << 9) >> 6);
}

}  // namespace

Result<CharsMap> CharsMap::parse(std::string_view blob) {
  uint32_t size = 0;
  if (blob.size() >= 4) std::memcpy(&size, blob.data(), 4);
  if (blob.size() < 4 || size > blob.size() - 4 || size < 4) {
    return Status(Code::bad_input,
                  cat("the map begins with the size of its array, ", size, " of ", blob.size(), " bytes"));
  }
  static_assert(std::endian::native == std::endian::little);
  CharsMap out;
  out.units_.resize(size / 4);
  std::memcpy(out.units_.data(), blob.data() + 4, out.units_.size() * 4);
  out.texts_ = blob.substr(4 + out.units_.size() * 4);
  if (!is_utf8(out.texts_)) return Status(Code::bad_input, "the map's texts are not UTF-8");
  return out;
}

// Calls found(size, what takes its place) for each text of the map that `text` begins with, until it says false.
template <class Found>
void CharsMap::walk(std::string_view text, const Found& found) const {
  size_t at = offset(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (byte == 0 || at >= units_.size() || (units_[at] & (1u << 31 | 0xFF)) != byte) return;
    const bool has_leaf = (units_[at] >> 8 & 1) != 0;
    at ^= offset(units_[at]);
    if (!has_leaf) continue;
    const size_t begin = at < units_.size() ? units_[at] & ~(1u << 31) : texts_.size();
    if (begin >= texts_.size() || (texts_[begin] & 0xC0) == 0x80) return;
    if (!found(i + 1, std::string_view(texts_).substr(begin, texts_.find('\0', begin) - begin))) return;
  }
}

std::optional<std::string_view> CharsMap::find_shortest(std::string_view text) const {
  std::optional<std::string_view> out;
  walk(text, [&](size_t, std::string_view by) {
    out = by;
    return false;
  });
  return out;
}

CharsMap::Match CharsMap::find_longest(std::string_view text) const {
  Match out;
  walk(text, [&](size_t size, std::string_view by) {
    out = {size, by};
    return true;
  });
  return out;
}

}  // namespace hearth::tokenizers
