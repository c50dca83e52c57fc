#include "tensor/quant/blocks.h"

#include <cstdint>

#include "tensor/quant/bits.h"
#include "tensor/quant/sub_scales.h"

namespace hearth::kernels {
namespace {

constexpr int kSmall = 32, kLarge = 256;  // elements of a block

float half_float(const std::byte* p) {
  return half_to_float(half_at(p));
}

/// Element i of 32 four-bit numbers: the low halves of 16 bytes, then the high ones.
int nibble(const std::byte* p, int i) {
  return byte_at(p, i % 16) >> (i < 16 ? 0 : 4) & 15;
}

/// d, [m,] a fifth bit each, nibbles.
template <bool has_minimum>
void q5(const std::byte* p, float* out) {
  const float d = half_float(p), m = has_minimum ? half_float(p + 2) : 0;
  const std::byte* high = p + (has_minimum ? 4 : 2);
  for (int i = 0; i < kSmall; ++i) {
    const int q = nibble(high + 4, i) | (byte_at(high, i / 8) >> i % 8 & 1) << 4;
    out[i] = has_minimum ? d * static_cast<float>(q) + m : d * static_cast<float>(q - 16);
  }
}

/// Element i of 256 numbers of two bits: 32 bytes hold four rows of 32.
int pair_of_bits(const std::byte* p, int i) {
  return byte_at(p, i / 128 * 32 + i % 32) >> i % 128 / 32 * 2 & 3;
}
/// Of 256 numbers of one bit: 32 bytes hold eight rows of 32.
int one_bit(const std::byte* p, int i) {
  return byte_at(p, i % 32) >> i / 32 & 1;
}
/// Of 256 numbers of four bits: 32 bytes hold two rows of 32.
int half_byte(const std::byte* p, int i) {
  return byte_at(p, i / 64 * 32 + i % 32) >> i % 64 / 32 * 4 & 15;
}

void q2_k(const std::byte* p, float* out) {
  const float d = half_float(p + 80), minimum = half_float(p + 82);
  for (int i = 0; i < kLarge; ++i) {
    const int scale = byte_at(p, i / 16);
    const float dl = d * static_cast<float>(scale & 15), ml = minimum * static_cast<float>(scale >> 4);
    out[i] = dl * static_cast<float>(pair_of_bits(p + 16, i)) - ml;
  }
}

void q3_k(const std::byte* p, float* out) {
  const float d = half_float(p + 108);
  for (int i = 0; i < kLarge; ++i) {
    const float dl = d * static_cast<float>(scale_of_q3(p + 96, i / 16));
    out[i] = dl * static_cast<float>(pair_of_bits(p + 32, i) - (one_bit(p, i) != 0 ? 0 : 4));
  }
}

template <bool has_fifth_bit>
void q4_5_k(const std::byte* p, float* out) {
  const float d = half_float(p), minimum = half_float(p + 2);
  const std::byte* low = p + (has_fifth_bit ? 48 : 16);
  for (int i = 0; i < kLarge; ++i) {
    const auto [scale, least] = scale_min(p + 4, i / 32);
    const float dl = d * static_cast<float>(scale), ml = minimum * static_cast<float>(least);
    const int q = half_byte(low, i) | (has_fifth_bit ? one_bit(p + 16, i) << 4 : 0);
    out[i] = dl * static_cast<float>(q) - ml;
  }
}

void q6_k(const std::byte* p, float* out) {
  const float d = half_float(p + 208);
  for (int i = 0; i < kLarge; ++i) {
    const float dl = d * static_cast<float>(static_cast<int8_t>(p[192 + i / 16]));
    const int low = byte_at(p, i / 128 * 64 + i % 64) >> i % 128 / 64 * 4 & 15;
    out[i] = dl * static_cast<float>((low | pair_of_bits(p + 128, i) << 4) - 32);
  }
}

void iq4_nl(const std::byte* p, float* out) {
  const float d = half_float(p);
  for (int i = 0; i < kSmall; ++i) out[i] = d * static_cast<float>(kUneven[nibble(p + 2, i)]);
}

void iq4_xs(const std::byte* p, float* out) {
  const float d = half_float(p);
  for (int i = 0; i < kLarge; ++i) {
    const int group = i / 32;
    const float dl = d * static_cast<float>(scale_of_iq4(p + 2, group));
    out[i] = dl * static_cast<float>(kUneven[nibble(p + 8 + group * 16, i % 32)]);
  }
}

void mxfp4(const std::byte* p, float* out) {
  const auto e = static_cast<uint32_t>(p[0]);
  const float d = float_of_bits(e < 2 ? 0x00200000u << e : (e - 1) << 23);
  for (int i = 0; i < kSmall; ++i) out[i] = d * static_cast<float>(kTwiceE2m1[nibble(p + 1, i)]);
}

}  // namespace

BlockReader block_reader(DType type) {
  switch (type) {
    case DType::q5_0:
      return q5<false>;
    case DType::q5_1:
      return q5<true>;
    case DType::q2_k:
      return q2_k;
    case DType::q3_k:
      return q3_k;
    case DType::q4_k:
      return q4_5_k<false>;
    case DType::q5_k:
      return q4_5_k<true>;
    case DType::q6_k:
      return q6_k;
    case DType::iq4_nl:
      return iq4_nl;
    case DType::iq4_xs:
      return iq4_xs;
    case DType::mxfp4:
      return mxfp4;
    default:
      return nullptr;
  }
}

}  // namespace hearth::kernels
