// Sixteen lanes for ARMv8.2 with its dot products, as four registers. Static functions only.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace {

constexpr int kFastRows = 4;
constexpr int kPairRows = 0;  // the same for a pair of panels; 0: panels go one by one
constexpr int kFloatRows = 2;
constexpr int kFloatOuts = 2;
constexpr int kColumnRows = 6;  // of float weights taken column by column: activation rows, and vectors of outputs
constexpr int kColumnVectors = 1;
constexpr int kTileRows = 1;

struct F {
  float32x4_t v[4];
};
struct I {
  int32x4_t v[4];
};
struct Bytes {
  uint8x16_t v[4];
};

/// Register by register.
template <class Out, class Fn>
static inline Out four_of(Fn fn) {
  Out out;
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) out.v[i] = fn(i);
  return out;
}

static inline F splat(float x) {
  return four_of<F>([&](int) { return vdupq_n_f32(x); });
}
static inline F load(const float* p) {
  return four_of<F>([&](int i) { return vld1q_f32(p + 4 * i); });
}
static inline F load_first(const float* p, int64_t n) {
  float all[16] = {};
  __builtin_memcpy(all, p, static_cast<uint64_t>(n) * sizeof(float));
  return load(all);
}
static inline void store(float* p, F x) {
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, x.v[i]);
}
static inline void store_first(float* p, F x, int64_t n) {
  float all[16];
  store(all, x);
  __builtin_memcpy(p, all, static_cast<uint64_t>(n) * sizeof(float));
}
static inline F add(F x, F y) {
  return four_of<F>([&](int i) { return vaddq_f32(x.v[i], y.v[i]); });
}
static inline F sub(F x, F y) {
  return four_of<F>([&](int i) { return vsubq_f32(x.v[i], y.v[i]); });
}
static inline F mul(F x, F y) {
  return four_of<F>([&](int i) { return vmulq_f32(x.v[i], y.v[i]); });
}
static inline F div(F x, F y) {
  return four_of<F>([&](int i) { return vdivq_f32(x.v[i], y.v[i]); });
}
/// Of a NaN the second operand, as on x86.
static inline F max(F x, F y) {
  return four_of<F>([&](int i) { return vbslq_f32(vcgtq_f32(x.v[i], y.v[i]), x.v[i], y.v[i]); });
}
static inline F min(F x, F y) {
  return four_of<F>([&](int i) { return vbslq_f32(vcltq_f32(x.v[i], y.v[i]), x.v[i], y.v[i]); });
}
static inline F fma(F x, F y, F z) {
  return four_of<F>([&](int i) { return vfmaq_f32(z.v[i], x.v[i], y.v[i]); });
}
static inline float sum(F x) {
  return vaddvq_f32(vaddq_f32(vaddq_f32(x.v[0], x.v[1]), vaddq_f32(x.v[2], x.v[3])));
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
static inline float largest(F x) {
  return vmaxvq_f32(vmaxq_f32(vmaxq_f32(x.v[0], x.v[1]), vmaxq_f32(x.v[2], x.v[3])));
}
static inline I round_to_int(F x) {
  return four_of<I>([&](int i) { return vcvtnq_s32_f32(x.v[i]); });
}
static inline F to_float(I x) {
  return four_of<F>([&](int i) { return vcvtq_f32_s32(x.v[i]); });
}
static inline F power_of_two(I n) {
  return four_of<F>([&](int i) { return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n.v[i], vdupq_n_s32(127)), 23)); });
}
static inline I splat_int(int32_t x) {
  return four_of<I>([&](int) { return vdupq_n_s32(x); });
}
static inline I add_int(I x, I y) {
  return four_of<I>([&](int i) { return vaddq_s32(x.v[i], y.v[i]); });
}

static inline F load_half(const uint16_t* p) {
  return four_of<F>([&](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))); });
}
static inline F load_half_first(const uint16_t* p, int64_t n) {
  uint16_t all[16] = {};
  __builtin_memcpy(all, p, static_cast<uint64_t>(n) * sizeof(uint16_t));
  return load_half(all);
}
static inline F load_brain(const uint16_t* p) {
  return four_of<F>([&](int i) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p + 4 * i), 16)); });
}
static inline F load_brain_first(const uint16_t* p, int64_t n) {
  uint16_t all[16] = {};
  __builtin_memcpy(all, p, static_cast<uint64_t>(n) * sizeof(uint16_t));
  return load_brain(all);
}

static inline Bytes load_bytes(const uint8_t* p) {
  return four_of<Bytes>([&](int i) { return vld1q_u8(p + 16 * i); });
}
static inline Bytes nibbles_low(Bytes w) {
  return four_of<Bytes>([&](int i) { return vandq_u8(w.v[i], vdupq_n_u8(15)); });
}
static inline Bytes nibbles_high(Bytes w) {
  return four_of<Bytes>([&](int i) { return vshrq_n_u8(w.v[i], 4); });
}
/// Four signed bytes of x in every 32-bit lane.
struct Four {
  int8x16_t v;
};
static inline Four four(const int8_t* x) {
  int32_t word;
  __builtin_memcpy(&word, x, 4);
  return {vreinterpretq_s8_s32(vdupq_n_s32(word))};
}
/// Codes are below 128, so that they are signed bytes too.
static inline I dot_codes(I acc, Bytes w, Four x) {
  return four_of<I>([&](int i) { return vdotq_s32(acc.v[i], vreinterpretq_s8_u8(w.v[i]), x.v); });
}
/// Bytes w + 128 become signed here, so that nothing is to be taken back.
static inline I start_bytes(int32_t) {
  return splat_int(0);
}
static inline I dot_bytes(I acc, Bytes w, Four x) {
  const Bytes plain = four_of<Bytes>([&](int i) { return veorq_u8(w.v[i], vdupq_n_u8(128)); });
  return dot_codes(acc, plain, x);
}

template <int Shift, int Mask>
static inline Bytes masked_bits(Bytes w) {
  const int8x16_t by = vdupq_n_s8(-Shift);  // a shift to the left, or to the right when negative
  return four_of<Bytes>([&](int i) { return vandq_u8(vshlq_u8(w.v[i], by), vdupq_n_u8(Mask)); });
}
static inline Bytes either(Bytes x, Bytes y) {
  return four_of<Bytes>([&](int i) { return vorrq_u8(x.v[i], y.v[i]); });
}
struct Table {
  uint8x16_t v;
};
static inline Table load_table(const int8_t* p) {
  return {veorq_u8(vreinterpretq_u8_s8(vld1q_s8(p)), vdupq_n_u8(128))};
}
static inline Bytes look_up(Table table, Bytes codes) {
  return four_of<Bytes>([&](int i) { return vqtbl1q_u8(table.v, codes.v[i]); });
}

template <int Index>
static inline F code_float(Bytes w) {
  return four_of<F>([&](int i) {
    const uint32x4_t lanes = vreinterpretq_u32_u8(w.v[i]);
    return vcvtq_f32_u32(vandq_u32(vshlq_u32(lanes, vdupq_n_s32(-8 * Index)), vdupq_n_u32(255)));
  });
}
static inline F load_int8(const int8_t* p) {
  return four_of<F>([&](int i) {
    int8_t four_bytes[8] = {};
    __builtin_memcpy(four_bytes, p + 4 * i, 4);
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(four_bytes)))));
  });
}

/// The largest magnitude of 32 floats; NaN when one is NaN.
static inline float magnitude(F x, F y) {
  uint32x4_t most = vdupq_n_u32(0);
  const uint32x4_t mask = vdupq_n_u32(0x7fffffff);
  for (int i = 0; i < 4; ++i) {
    most = vmaxq_u32(most, vandq_u32(vreinterpretq_u32_f32(x.v[i]), mask));
    most = vmaxq_u32(most, vandq_u32(vreinterpretq_u32_f32(y.v[i]), mask));
  }
  const uint32_t bits = vmaxvq_u32(most);
  float out;
  __builtin_memcpy(&out, &bits, 4);
  return out;
}
static inline int32_t sum_int(I x) {
  return vaddvq_s32(vaddq_s32(vaddq_s32(x.v[0], x.v[1]), vaddq_s32(x.v[2], x.v[3])));
}
static inline void store_bytes(int8_t* p, I x) {
  const int16x8_t low = vcombine_s16(vqmovn_s32(x.v[0]), vqmovn_s32(x.v[1])),
                  high = vcombine_s16(vqmovn_s32(x.v[2]), vqmovn_s32(x.v[3]));
  vst1q_s8(p, vcombine_s8(vqmovn_s16(low), vqmovn_s16(high)));
}

}  // namespace
