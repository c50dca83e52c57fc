// Bits of weight files as floats.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hearth::kernels {

inline uint16_t half_at(const std::byte* p) {
  uint16_t out;
  std::memcpy(&out, p, 2);
  return out;
}

inline float float_of_bits(uint32_t bits) {
  float out;
  std::memcpy(&out, &bits, 4);
  return out;
}

inline uint32_t word_at(const std::byte* p) {
  uint32_t out;
  std::memcpy(&out, p, 4);
  return out;
}

inline float brain_to_float(uint16_t b) {
  return float_of_bits(static_cast<uint32_t>(b) << 16);
}

inline float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16, exponent = (h >> 10) & 31, fraction = h & 0x3ff;
  if (exponent == 31) return float_of_bits(sign | 0x7f800000 | fraction << 13);
  if (exponent == 0) {
    const float small = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -small : small;
  }
  return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

}  // namespace hearth::kernels
