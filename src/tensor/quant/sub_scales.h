// Parts of GGML's blocks that dequantizing and packing both read: scales of a few bits, and what four bits stand for.
// Source: ggml-common.h (block_q3_K, block_q4_K, block_iq4_xs, kvalues_iq4nl, kvalues_mxfp4); gguf 0.19.0 quants.py.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/quant/bits.h"

namespace hearth::kernels {

inline int byte_at(const std::byte* p, int i) {
  return static_cast<int>(p[i]);
}

/// Six bits of scale and of minimum for each 32 of Q4_K and Q5_K, in 12 bytes.
struct ScaleMin {
  int scale, minimum;
};
inline ScaleMin scale_min(const std::byte* p, int group) {
  const int g = group % 4, a = byte_at(p, g), b = byte_at(p, 4 + g), both = byte_at(p, 8 + g);
  if (group < 4) return {a & 63, b & 63};
  return {(both & 15) | (a >> 2 & 48), both >> 4 | (b >> 2 & 48)};
}

/// -32 to 31, for each 16 of Q3_K, in 12 bytes.
inline int scale_of_q3(const std::byte* p, int group) {
  const int low = byte_at(p, group % 8) >> (group < 8 ? 0 : 4) & 15, high = byte_at(p, 8 + group % 4) >> group / 4 * 2;
  return (low | (high & 3) << 4) - 32;
}

/// -32 to 31, for each 32 of IQ4_XS, in 6 bytes.
inline int scale_of_iq4(const std::byte* p, int group) {
  return ((byte_at(p + 2, group / 2) >> group % 2 * 4 & 15) | (half_at(p) >> 2 * group & 3) << 4) - 32;
}

/// What the sixteen numbers of IQ4_NL and IQ4_XS stand for.
inline constexpr int8_t kUneven[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
/// Twice what the sixteen numbers of four bits (E2M1) of MXFP4 are; the block's power of two is half of what it says.
inline constexpr int8_t kTwiceE2m1[] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

}  // namespace hearth::kernels
