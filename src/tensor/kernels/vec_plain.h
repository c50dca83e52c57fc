// Sixteen lanes as arrays, for any processor; the compiler may use what its baseline has. Static functions only.
#pragma once

#include <cstdint>

namespace {

constexpr int kFastRows = 1;
constexpr int kPairRows = 0;  // the same for a pair of panels; 0: panels go one by one
constexpr int kFloatRows = 1;
constexpr int kFloatOuts = 1;
constexpr int kColumnRows = 1;  // of float weights taken column by column: activation rows, and vectors of outputs
constexpr int kColumnVectors = 1;
constexpr int kTileRows = 1;

struct F {
  float v[16];
};
struct I {
  int32_t v[16];
};
struct Bytes {
  uint8_t v[64];
};

template <class Fn>
static inline F each(Fn fn) {
  F out;
  for (int i = 0; i < 16; ++i) out.v[i] = fn(i);
  return out;
}
static inline F splat(float x) {
  return each([&](int) { return x; });
}
static inline F load(const float* p) {
  return each([&](int i) { return p[i]; });
}
static inline F load_first(const float* p, int64_t n) {
  return each([&](int i) { return i < n ? p[i] : 0.0f; });
}
static inline void store(float* p, const F& x) {
  for (int i = 0; i < 16; ++i) p[i] = x.v[i];
}
static inline void store_first(float* p, const F& x, int64_t n) {
  for (int i = 0; i < n; ++i) p[i] = x.v[i];
}
static inline F add(const F& x, const F& y) {
  return each([&](int i) { return x.v[i] + y.v[i]; });
}
static inline F sub(const F& x, const F& y) {
  return each([&](int i) { return x.v[i] - y.v[i]; });
}
static inline F mul(const F& x, const F& y) {
  return each([&](int i) { return x.v[i] * y.v[i]; });
}
static inline F div(const F& x, const F& y) {
  return each([&](int i) { return x.v[i] / y.v[i]; });
}
static inline F max(const F& x, const F& y) {
  return each([&](int i) { return x.v[i] > y.v[i] ? x.v[i] : y.v[i]; });
}
static inline F min(const F& x, const F& y) {
  return each([&](int i) { return x.v[i] < y.v[i] ? x.v[i] : y.v[i]; });
}
static inline F fma(const F& x, const F& y, const F& z) {
  return each([&](int i) { return x.v[i] * y.v[i] + z.v[i]; });
}
static inline float sum(const F& x) {
  float out = 0;
  for (int i = 0; i < 16; ++i) out += x.v[i];
  return out;
}
/// Lane i is the sum of v[i]'s lanes.
static inline F sums(const F* v) {
  float all[16];
  for (int i = 0; i < 16; ++i) all[i] = sum(v[i]);
  return load(all);
}
/// Lane i of v[j] becomes lane j of v[i].
static inline void transpose(F* v) {
  float rows[16][16], turned[16][16];
  for (int i = 0; i < 16; ++i) store(rows[i], v[i]);
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j) turned[j][i] = rows[i][j];
  for (int i = 0; i < 16; ++i) v[i] = load(turned[i]);
}
static inline float largest(const F& x) {
  float out = x.v[0];
  for (int i = 1; i < 16; ++i) out = out > x.v[i] ? out : x.v[i];
  return out;
}
/// Nearest, ties to even, by the rounding of f32 addition; for |x| < 2^22. NaN becomes 0.
static inline I round_to_int(const F& x) {
  I out;
  for (int i = 0; i < 16; ++i) {
    const volatile float shifted = x.v[i] + 12582912.0f;
    const float whole = shifted - 12582912.0f;
    out.v[i] = whole == whole ? static_cast<int32_t>(whole) : 0;
  }
  return out;
}
static inline F to_float(const I& x) {
  return each([&](int i) { return static_cast<float>(x.v[i]); });
}
static inline float float_of_bits(uint32_t bits) {
  float out;
  __builtin_memcpy(&out, &bits, 4);
  return out;
}
static inline uint32_t bits_of_float(float x) {
  uint32_t out;
  __builtin_memcpy(&out, &x, 4);
  return out;
}
static inline F power_of_two(const I& n) {
  return each([&](int i) { return float_of_bits(static_cast<uint32_t>(n.v[i] + 127) << 23); });
}
static inline I splat_int(int32_t x) {
  I out;
  for (int i = 0; i < 16; ++i) out.v[i] = x;
  return out;
}
static inline I add_int(const I& x, const I& y) {
  I out;
  for (int i = 0; i < 16; ++i) out.v[i] = x.v[i] + y.v[i];
  return out;
}

static inline float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16, exponent = (h >> 10) & 31, fraction = h & 0x3ff;
  if (exponent == 31) return float_of_bits(sign | 0x7f800000 | fraction << 13 | (fraction != 0 ? 0x400000u : 0u));
  if (exponent == 0) {
    const float small = static_cast<float>(fraction) * 5.9604644775390625e-8f;  // 2^-24
    return float_of_bits(sign | bits_of_float(small));
  }
  return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}
static inline F load_half(const uint16_t* p) {
  return each([&](int i) { return half_to_float(p[i]); });
}
static inline F load_half_first(const uint16_t* p, int64_t n) {
  return each([&](int i) { return i < n ? half_to_float(p[i]) : 0.0f; });
}
static inline F load_brain(const uint16_t* p) {
  return each([&](int i) { return float_of_bits(static_cast<uint32_t>(p[i]) << 16); });
}
static inline F load_brain_first(const uint16_t* p, int64_t n) {
  return each([&](int i) { return i < n ? float_of_bits(static_cast<uint32_t>(p[i]) << 16) : 0.0f; });
}

static inline Bytes load_bytes(const uint8_t* p) {
  Bytes out;
  __builtin_memcpy(out.v, p, 64);
  return out;
}
static inline Bytes nibbles_low(const Bytes& w) {
  Bytes out;
  for (int i = 0; i < 64; ++i) out.v[i] = w.v[i] & 15;
  return out;
}
static inline Bytes nibbles_high(const Bytes& w) {
  Bytes out;
  for (int i = 0; i < 64; ++i) out.v[i] = w.v[i] >> 4;
  return out;
}
struct Four {
  const int8_t* v;
};
static inline Four four(const int8_t* x) {
  return {x};
}
static inline I dot_codes(const I& acc, const Bytes& w, Four x) {
  I out = acc;
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 4; ++j) out.v[i] += w.v[4 * i + j] * x.v[j];
  return out;
}
static inline I start_bytes(int32_t correction) {
  return splat_int(correction);
}
static inline I dot_bytes(const I& acc, const Bytes& w, Four x) {
  return dot_codes(acc, w, x);
}

template <int Shift, int Mask>
static inline Bytes masked_bits(const Bytes& w) {
  Bytes out;
  for (int i = 0; i < 64; ++i)
    out.v[i] = static_cast<uint8_t>(
        (Shift >= 0 ? w.v[i] >> (Shift >= 0 ? Shift : 0) : w.v[i] << (Shift < 0 ? -Shift : 0)) & Mask);
  return out;
}
static inline Bytes either(const Bytes& x, const Bytes& y) {
  Bytes out;
  for (int i = 0; i < 64; ++i) out.v[i] = x.v[i] | y.v[i];
  return out;
}
struct Table {
  const int8_t* v;
};
static inline Table load_table(const int8_t* p) {
  return {p};
}
static inline Bytes look_up(Table table, const Bytes& codes) {
  Bytes out;
  for (int i = 0; i < 64; ++i) out.v[i] = static_cast<uint8_t>(table.v[codes.v[i]] + 128);
  return out;
}

template <int Index>
static inline F code_float(const Bytes& w) {
  return each([&](int i) { return static_cast<float>(w.v[4 * i + Index]); });
}
static inline F load_int8(const int8_t* p) {
  return each([&](int i) { return static_cast<float>(p[i]); });
}

static inline float magnitude(const F& x, const F& y) {
  uint32_t most = 0;
  for (int i = 0; i < 16; ++i) {
    const uint32_t a = bits_of_float(x.v[i]) & 0x7fffffff, b = bits_of_float(y.v[i]) & 0x7fffffff;
    most = most > a ? most : a;
    most = most > b ? most : b;
  }
  return float_of_bits(most);
}
static inline int32_t sum_int(const I& x) {
  int32_t out = 0;
  for (int i = 0; i < 16; ++i) out += x.v[i];
  return out;
}
static inline void store_bytes(int8_t* p, const I& x) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(x.v[i]);
}

}  // namespace
