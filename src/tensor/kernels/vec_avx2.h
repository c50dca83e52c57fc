// Sixteen lanes for AVX2 with FMA and F16C, as two registers. Static functions only.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace {

constexpr int kFastRows = 2;
constexpr int kPairRows = 0;  // the same for a pair of panels; 0: panels go one by one
constexpr int kFloatRows = 2;
constexpr int kFloatOuts = 2;
constexpr int kColumnRows = 6;  // of float weights taken column by column: activation rows, and vectors of outputs
constexpr int kColumnVectors = 1;
constexpr int kTileRows = 1;

struct F {
  __m256 a, b;
};
struct I {
  __m256i a, b;
};
struct Bytes {
  __m256i a, b;
};

static inline F splat(float x) {
  return {_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
static inline F load(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
static inline F load_first(const float* p, int64_t n) {
  float all[16] = {};
  __builtin_memcpy(all, p, static_cast<uint64_t>(n) * sizeof(float));
  return load(all);
}
static inline void store(float* p, F x) {
  _mm256_storeu_ps(p, x.a);
  _mm256_storeu_ps(p + 8, x.b);
}
static inline void store_first(float* p, F x, int64_t n) {
  float all[16];
  store(all, x);
  __builtin_memcpy(p, all, static_cast<uint64_t>(n) * sizeof(float));
}
static inline F add(F x, F y) {
  return {_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)};
}
static inline F sub(F x, F y) {
  return {_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)};
}
static inline F mul(F x, F y) {
  return {_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)};
}
static inline F div(F x, F y) {
  return {_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)};
}
static inline F max(F x, F y) {
  return {_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)};
}
static inline F min(F x, F y) {
  return {_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)};
}
static inline F fma(F x, F y, F z) {
  return {_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
static inline float sum(F x) {
  const __m256 both = _mm256_add_ps(x.a, x.b);
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(four, _mm_shuffle_ps(four, four, 1)));
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
  const __m256 both = _mm256_max_ps(x.a, x.b);
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
  four = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(four, _mm_shuffle_ps(four, four, 1)));
}
static inline I round_to_int(F x) {
  return {_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b)};
}
static inline F to_float(I x) {
  return {_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)};
}
static inline F power_of_two(I n) {
  const __m256i bias = _mm256_set1_epi32(127);
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n.a, bias), 23)),
          _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n.b, bias), 23))};
}
static inline I splat_int(int32_t x) {
  return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)};
}
static inline I add_int(I x, I y) {
  return {_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)};
}

static inline F load_half(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
          _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
}
static inline F load_half_first(const uint16_t* p, int64_t n) {
  uint16_t all[16] = {};
  __builtin_memcpy(all, p, static_cast<uint64_t>(n) * sizeof(uint16_t));
  return load_half(all);
}
static inline __m256 brain_to_float(__m128i x) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
}
static inline F load_brain(const uint16_t* p) {
  return {brain_to_float(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
          brain_to_float(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
}
static inline F load_brain_first(const uint16_t* p, int64_t n) {
  uint16_t all[16] = {};
  __builtin_memcpy(all, p, static_cast<uint64_t>(n) * sizeof(uint16_t));
  return load_brain(all);
}

static inline Bytes load_bytes(const uint8_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}
static inline Bytes nibbles_low(Bytes w) {
  const __m256i mask = _mm256_set1_epi8(15);
  return {_mm256_and_si256(w.a, mask), _mm256_and_si256(w.b, mask)};
}
static inline Bytes nibbles_high(Bytes w) {
  const __m256i mask = _mm256_set1_epi8(15);
  return {_mm256_and_si256(_mm256_srli_epi16(w.a, 4), mask), _mm256_and_si256(_mm256_srli_epi16(w.b, 4), mask)};
}
/// Pairs of products stay within 16 bits: |unsigned| <= 128, |signed| <= 127.
static inline __m256i dot4(__m256i acc, __m256i unsigned_bytes, __m256i signed_bytes) {
  const __m256i pairs = _mm256_maddubs_epi16(unsigned_bytes, signed_bytes);
  return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
struct Four {
  __m256i v;
};
static inline Four four(const int8_t* x) {
  int32_t word;
  __builtin_memcpy(&word, x, 4);
  return {_mm256_set1_epi32(word)};
}
static inline I dot_codes(I acc, Bytes w, Four x) {
  return {dot4(acc.a, w.a, x.v), dot4(acc.b, w.b, x.v)};
}
/// w + 128 times x could leave 16 bits, so the sign moves from the weight to x, and no correction is needed.
static inline I start_bytes(int32_t) {
  return splat_int(0);
}
static inline I dot_bytes(I acc, Bytes w, Four x) {
  const __m256i offset = _mm256_set1_epi8(static_cast<char>(0x80));
  const __m256i a = _mm256_xor_si256(w.a, offset), b = _mm256_xor_si256(w.b, offset);
  return {dot4(acc.a, _mm256_abs_epi8(a), _mm256_sign_epi8(x.v, a)),
          dot4(acc.b, _mm256_abs_epi8(b), _mm256_sign_epi8(x.v, b))};
}

template <int Shift, int Mask>
static inline Bytes masked_bits(Bytes w) {
  const __m256i mask = _mm256_set1_epi8(Mask);
  if constexpr (Shift >= 0)
    return {_mm256_and_si256(_mm256_srli_epi16(w.a, Shift), mask),
            _mm256_and_si256(_mm256_srli_epi16(w.b, Shift), mask)};
  else
    return {_mm256_and_si256(_mm256_slli_epi16(w.a, -Shift), mask),
            _mm256_and_si256(_mm256_slli_epi16(w.b, -Shift), mask)};
}
static inline Bytes either(Bytes x, Bytes y) {
  return {_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)};
}
struct Table {
  __m256i v;
};
static inline Table load_table(const int8_t* p) {
  if (p == nullptr) return {_mm256_setzero_si256()};
  const __m128i values = _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi8(-128));
  return {_mm256_broadcastsi128_si256(values)};
}
static inline Bytes look_up(Table table, Bytes codes) {
  return {_mm256_shuffle_epi8(table.v, codes.a), _mm256_shuffle_epi8(table.v, codes.b)};
}

template <int Index>
static inline F code_float(Bytes w) {
  const __m256i mask = _mm256_set1_epi32(255);
  return {_mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(w.a, 8 * Index), mask)),
          _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(w.b, 8 * Index), mask))};
}
static inline F load_int8(const int8_t* p) {
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))),
          _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p + 8))))};
}

static inline float magnitude(F x, F y) {
  const __m256i mask = _mm256_set1_epi32(0x7fffffff);
  const __m256i most = _mm256_max_epi32(_mm256_max_epi32(_mm256_and_si256(_mm256_castps_si256(x.a), mask),
                                                         _mm256_and_si256(_mm256_castps_si256(x.b), mask)),
                                        _mm256_max_epi32(_mm256_and_si256(_mm256_castps_si256(y.a), mask),
                                                         _mm256_and_si256(_mm256_castps_si256(y.b), mask)));
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1));
  return _mm_cvtss_f32(_mm_castsi128_ps(four));
}
static inline int32_t sum_int(I x) {
  const __m256i both = _mm256_add_epi32(x.a, x.b);
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}
static inline void store_bytes(int8_t* p, I x) {
  int32_t all[16];
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(all), x.a);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(all + 8), x.b);
  for (int i = 0; i < 16; ++i) p[i] = static_cast<int8_t>(all[i]);
}

}  // namespace
