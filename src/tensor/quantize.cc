#include "tensor/quantize.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstring>

#include "base/text.h"
#include "tensor/half.h"
#include "tensor/linear_kernels.h"

namespace hearth {
namespace {

constexpr int64_t kWidth = 32;  // numbers of a block
using Numbers = std::array<float, kWidth>;
using Codes = std::array<uint8_t, kWidth>;

std::byte* put_half(float value, std::byte* to) {
  const uint16_t half = to_f16(value);
  std::memcpy(to, &half, 2);
  return to + 2;
}

/// 1 / d as a factor; a block without a width, or one so narrow that it has none in f32, becomes zeros.
float inverse(float d) {
  const float out = d == 0 ? 0 : 1 / d;
  return std::isfinite(out) ? out : 0;
}

/// The number furthest from zero, the first of equals.
float furthest(const Numbers& x) {
  float out = x[0];
  for (const float value : x)
    if (std::abs(value) > std::abs(out)) out = value;
  return out;
}

/// Two codes of four bits a byte, number i beside number 16 + i; fifth bits, where there are, go before them.
void put_codes(const Codes& codes, bool has_fifth_bits, std::byte* to) {
  if (has_fifth_bits) {
    uint32_t bits = 0;
    for (size_t i = 0; i < kWidth; ++i) bits |= static_cast<uint32_t>(codes[i] >> 4) << i;
    std::memcpy(to, &bits, 4);
    to += 4;
  }
  for (size_t i = 0; i < kWidth / 2; ++i) to[i] = static_cast<std::byte>((codes[i] & 15) | codes[i + 16] << 4);
}

/// Q4_0, Q5_0: codes of `Bits` bits around the middle one, with the furthest number on the lowest.
template <int Bits>
void symmetric(const Numbers& x, std::byte* to) {
  constexpr int kHalf = 1 << (Bits - 1);
  const float d = furthest(x) / -kHalf, by = inverse(d);
  Codes codes;
  for (size_t i = 0; i < kWidth; ++i) {
    const int code = static_cast<int>(x[i] * by + (kHalf + 0.5f));
    codes[i] = static_cast<uint8_t>(std::min(code, 2 * kHalf - 1));
  }
  put_codes(codes, Bits == 5, put_half(d, to));
}

/// Q4_1, Q5_1: codes from the least number to the largest.
template <int Bits>
void ranged(const Numbers& x, std::byte* to) {
  const auto [least, most] = std::ranges::minmax(x);
  constexpr int kMost = (1 << Bits) - 1;
  const float d = (most - least) / kMost, by = inverse(d);
  Codes codes;
  for (size_t i = 0; i < kWidth; ++i)
    codes[i] = static_cast<uint8_t>(std::min(static_cast<int>((x[i] - least) * by + 0.5f), kMost));
  put_codes(codes, Bits == 5, put_half(least, put_half(d, to)));
}

/// Q8_0: halves are rounded away from zero.
void bytes(const Numbers& x, std::byte* to) {
  float most = 0;
  for (const float value : x) most = std::max(most, std::abs(value));
  const float d = most / 127, by = inverse(d);
  to = put_half(d, to);
  for (size_t i = 0; i < kWidth; ++i) {
    const float scaled = x[i] * by;
    const int whole = static_cast<int>(scaled);
    const float rest = scaled - static_cast<float>(whole);  // exact
    to[i] = static_cast<std::byte>(whole + (rest >= 0.5f) - (rest <= -0.5f));
  }
}

using BlockWriter = void (*)(const Numbers& x, std::byte* to);
BlockWriter writer_of(DType target) {
  switch (target) {
    case DType::q4_0:
      return symmetric<4>;
    case DType::q5_0:
      return symmetric<5>;
    case DType::q4_1:
      return ranged<4>;
    case DType::q5_1:
      return ranged<5>;
    case DType::q8_0:
      return bytes;
    default:
      return nullptr;
  }
}

}  // namespace

bool can_quantize(DType target) {
  return writer_of(target) != nullptr;
}

bool is_quantizable(const WeightSource& source, DType target) {
  const bool is_plain = source.dtype == DType::f32 || source.dtype == DType::f16 || source.dtype == DType::bf16;
  return is_plain && can_quantize(target) && source.shape.size() == 2 && source.shape[1] % kWidth == 0;
}

Result<WeightSource> quantized(const WeightSource& source, DType target, ThreadPool& pool) {
  VERIFY(is_quantizable(source, target), "a matrix that is quantized fits its blocks");
  const auto element = static_cast<size_t>(block_bytes(source.dtype)), block = static_cast<size_t>(block_bytes(target));
  const int64_t blocks = source.shape.numel() / kWidth;
  if (source.data.size() != static_cast<size_t>(blocks * kWidth) * element)
    return Status(Code::bad_input, cat(source.name, ": ", source.data.size(), " bytes do not fill ",
                                       source.shape.text(), " of ", name(source.dtype)));
  auto buffer = std::make_shared<std::vector<std::byte>>(static_cast<size_t>(blocks) * block);
  const auto write = writer_of(target);
  std::atomic<bool> is_finite{true};
  pool.parallel_for(blocks, 4096, [&](int64_t begin, int64_t end) {
    Numbers x;
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const auto from = source.data.subspan(i * kWidth * element, kWidth * element);
      VERIFY(kernels::dequantize(source.dtype, from, x).ok(), "a plain block is read");
      float zero = 0;
      for (const float value : x) zero += value * 0;
      if (zero != 0 || std::isnan(zero)) return is_finite.store(false);
      write(x, buffer->data() + i * block);
    }
  });
  if (!is_finite)
    return Status(Code::bad_input, cat(source.name, " holds an infinity or a NaN: it has no blocks of ", name(target)));
  auto out = source;
  out.dtype = target;
  out.take(std::move(buffer));
  return out;
}

}  // namespace hearth
