// f32 rounded to the two 16-bit types: to the nearest, halves to the even one.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace hearth {

inline uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (std::isnan(x)) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/// The number of type bf16 next to x.
inline float rounded_to_bf16(float x) {
  return std::bit_cast<float>(static_cast<uint32_t>(to_bf16(x)) << 16);
}

/// Beyond the largest, infinity.
inline uint16_t to_f16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return sign | 0x7E00;
  if (magnitude >= 0x47800000) return sign | 0x7C00;
  if (magnitude < 0x38800000) {  // below the smallest normal number: whole 2^-24ths, which nearbyint rounds so
    const float parts = std::nearbyint(std::bit_cast<float>(magnitude) * 0x1p24f);
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(parts));
  }
  const uint32_t rounded = magnitude + 0xFFF + (magnitude >> 13 & 1);
  return static_cast<uint16_t>(sign | (rounded - 0x38000000) >> 13);
}

}  // namespace hearth
