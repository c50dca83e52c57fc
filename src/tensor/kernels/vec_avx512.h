// Sixteen lanes for AVX-512 (F, BW, VL, DQ, VNNI). Static functions only.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace {

constexpr int kFastRows = 8;  // activation rows that share one pass over a panel
constexpr int kPairRows = 5;  // the same for a pair of panels; 0: panels go one by one
constexpr int kFloatRows = 4;
constexpr int kFloatOuts = 4;
constexpr int kColumnRows = 12;  // of float weights taken column by column: activation rows, and vectors of outputs
constexpr int kColumnVectors = 2;
constexpr int kTileRows = 6;  // attention: rows of a register tile, 4 vectors wide

struct F {
  __m512 v;
};
struct I {
  __m512i v;
};
struct Bytes {
  __m512i v;
};

static inline F splat(float x) {
  return {_mm512_set1_ps(x)};
}
static inline F load(const float* p) {
  return {_mm512_loadu_ps(p)};
}
static inline __mmask16 first(int64_t n) {
  return static_cast<__mmask16>((1u << n) - 1);
}
/// The first n (0 to 15) of 16 floats, the rest 0.
static inline F load_first(const float* p, int64_t n) {
  return {_mm512_maskz_loadu_ps(first(n), p)};
}
static inline void store(float* p, F a) {
  _mm512_storeu_ps(p, a.v);
}
static inline void store_first(float* p, F a, int64_t n) {
  _mm512_mask_storeu_ps(p, first(n), a.v);
}
static inline F add(F a, F b) {
  return {_mm512_add_ps(a.v, b.v)};
}
static inline F sub(F a, F b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
static inline F mul(F a, F b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
static inline F div(F a, F b) {
  return {_mm512_div_ps(a.v, b.v)};
}
static inline F max(F a, F b) {
  return {_mm512_max_ps(a.v, b.v)};
}
static inline F min(F a, F b) {
  return {_mm512_min_ps(a.v, b.v)};
}
/// a * b + c
static inline F fma(F a, F b, F c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
static inline float sum(F a) {
  return _mm512_reduce_add_ps(a.v);
}
/// Lane i is the sum of v[i]'s lanes, by a tree that halves the vectors and their lanes together.
static inline F sums(const F* v) {
  __m512 pairs[8], quads[4], halves[2];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i)
    pairs[i] =
        _mm512_add_ps(_mm512_unpacklo_ps(v[2 * i].v, v[2 * i + 1].v), _mm512_unpackhi_ps(v[2 * i].v, v[2 * i + 1].v));
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512d a = _mm512_castps_pd(pairs[2 * i]), b = _mm512_castps_pd(pairs[2 * i + 1]);
    quads[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  }
  for (int i = 0; i < 2; ++i)
    halves[i] = _mm512_add_ps(_mm512_shuffle_f32x4(quads[2 * i], quads[2 * i + 1], 0x88),
                              _mm512_shuffle_f32x4(quads[2 * i], quads[2 * i + 1], 0xdd));
  return {_mm512_add_ps(_mm512_shuffle_f32x4(halves[0], halves[1], 0x88),
                        _mm512_shuffle_f32x4(halves[0], halves[1], 0xdd))};
}
/// Lane i of v[j] becomes lane j of v[i].
static inline void transpose(F* v) {
  __m512 a[16], b[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    a[i] = _mm512_unpacklo_ps(v[i].v, v[i + 1].v);
    a[i + 1] = _mm512_unpackhi_ps(v[i].v, v[i + 1].v);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4)
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j) {
      const __m512d low = _mm512_castps_pd(a[i + j]), high = _mm512_castps_pd(a[i + j + 2]);
      b[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
      b[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
    }
    // b[4 q + j] holds in its quarter c column 4 c + j of rows 4 q to 4 q + 3.
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const __m512 low02 = _mm512_shuffle_f32x4(b[j], b[4 + j], 0x88), low13 = _mm512_shuffle_f32x4(b[j], b[4 + j], 0xdd);
    const __m512 high02 = _mm512_shuffle_f32x4(b[8 + j], b[12 + j], 0x88),
                 high13 = _mm512_shuffle_f32x4(b[8 + j], b[12 + j], 0xdd);
    v[j].v = _mm512_shuffle_f32x4(low02, high02, 0x88);
    v[8 + j].v = _mm512_shuffle_f32x4(low02, high02, 0xdd);
    v[4 + j].v = _mm512_shuffle_f32x4(low13, high13, 0x88);
    v[12 + j].v = _mm512_shuffle_f32x4(low13, high13, 0xdd);
  }
}
static inline float largest(F a) {
  return _mm512_reduce_max_ps(a.v);
}
static inline I round_to_int(F a) {
  return {_mm512_cvtps_epi32(a.v)};
}
static inline F to_float(I a) {
  return {_mm512_cvtepi32_ps(a.v)};
}
/// 2^n for whole n in -126 to 127.
static inline F power_of_two(I n) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n.v, _mm512_set1_epi32(127)), 23))};
}
static inline I splat_int(int32_t x) {
  return {_mm512_set1_epi32(x)};
}
static inline I add_int(I a, I b) {
  return {_mm512_add_epi32(a.v, b.v)};
}

static inline F load_half(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
static inline F load_half_first(const uint16_t* p, int64_t n) {
  return {_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(n), p))};
}
static inline F load_brain(const uint16_t* p) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
}
static inline F load_brain_first(const uint16_t* p, int64_t n) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first(n), p));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(wide, 16))};
}

static inline Bytes load_bytes(const uint8_t* p) {
  return {_mm512_loadu_si512(p)};
}
static inline Bytes nibbles_low(Bytes w) {
  return {_mm512_and_si512(w.v, _mm512_set1_epi8(15))};
}
static inline Bytes nibbles_high(Bytes w) {
  return {_mm512_and_si512(_mm512_srli_epi16(w.v, 4), _mm512_set1_epi8(15))};
}
/// Four signed bytes of x in every 32-bit lane.
struct Four {
  __m512i v;
};
static inline Four four(const int8_t* x) {
  int32_t word;
  __builtin_memcpy(&word, x, 4);
  return {_mm512_set1_epi32(word)};
}
/// acc[lane] + sum of the lane's four codes (0 to 63) times four signed bytes.
static inline I dot_codes(I acc, Bytes w, Four x) {
  return {_mm512_dpbusd_epi32(acc.v, w.v, x.v)};
}
/// The same for stored bytes w + 128; `start_bytes` of the block's correction is where the sum begins.
static inline I start_bytes(int32_t correction) {
  return splat_int(correction);
}
static inline I dot_bytes(I acc, Bytes w, Four x) {
  return dot_codes(acc, w, x);
}
/// Each byte moved right by Shift (left where it is negative), and of it the bits of Mask, which came from that byte.
template <int Shift, int Mask>
static inline Bytes masked_bits(Bytes w) {
  const __m512i moved =
      Shift >= 0 ? _mm512_srli_epi16(w.v, Shift >= 0 ? Shift : 0) : _mm512_slli_epi16(w.v, Shift < 0 ? -Shift : 0);
  return {_mm512_and_si512(moved, _mm512_set1_epi8(Mask))};
}
static inline Bytes either(Bytes a, Bytes b) {
  return {_mm512_or_si512(a.v, b.v)};
}
/// Sixteen signed bytes, or none (null), by the codes that stand for them; looked up, they are value + 128.
struct Table {
  __m512i v;
};
static inline Table load_table(const int8_t* p) {
  if (p == nullptr) return {_mm512_setzero_si512()};
  const __m128i values = _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi8(-128));
  return {_mm512_broadcast_i32x4(values)};
}
static inline Bytes look_up(Table table, Bytes codes) {
  return {_mm512_shuffle_epi8(table.v, codes.v)};
}

/// Byte `Index` of each 32-bit lane, 0 to 255, as float.
template <int Index>
static inline F code_float(Bytes w) {
  const __m512i moved = _mm512_srli_epi32(w.v, 8 * Index);
  return {_mm512_cvtepi32_ps(Index == 3 ? moved : _mm512_and_si512(moved, _mm512_set1_epi32(255)))};
}
static inline F load_int8(const int8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}

/// The largest magnitude of 32 floats; NaN when one is NaN.
static inline float magnitude(F a, F b) {
  const __m512i mask = _mm512_set1_epi32(0x7fffffff);
  const __m512i both = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(a.v), mask),
                                        _mm512_and_si512(_mm512_castps_si512(b.v), mask));
  const int32_t bits = _mm512_reduce_max_epi32(both);
  float out;
  __builtin_memcpy(&out, &bits, 4);
  return out;
}
static inline int32_t sum_int(I a) {
  return _mm512_reduce_add_epi32(a.v);
}
static inline void store_bytes(int8_t* p, I a) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtsepi32_epi8(a.v));
}

}  // namespace
