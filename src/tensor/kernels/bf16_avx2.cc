// bf16 arithmetic for processors with AVX2: both halves of a lane become f32, exactly, and are multiplied there.
#include "tensor/kernels/vec_avx2.h"

namespace {

static inline __m256 round_brain(__m256 x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  const __m256i high = _mm256_set1_epi32(static_cast<int32_t>(0xffff0000));
  return _mm256_castsi256_ps(_mm256_and_si256(_mm256_blendv_epi8(up, quiet, is_nan), high));
}
static inline F round_brain(F x) {
  return {round_brain(x.a), round_brain(x.b)};
}
static inline void store_brain(uint16_t* p, F x) {
  const __m256i a = _mm256_srli_epi32(_mm256_castps_si256(x.a), 16),
                b = _mm256_srli_epi32(_mm256_castps_si256(x.b), 16);
  const __m256i both = _mm256_permute4x64_epi64(_mm256_packus_epi32(a, b), 0xd8);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), both);
}
static inline __m256 low_half(__m256 x) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(x), 16));
}
static inline __m256 high_half(__m256 x) {
  return _mm256_and_ps(x, _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int32_t>(0xffff0000))));
}
static inline __m256 dot_pairs(__m256 acc, __m256 w, __m256 x) {
  return _mm256_fmadd_ps(low_half(w), low_half(x), _mm256_fmadd_ps(high_half(w), high_half(x), acc));
}
static inline F dot_pairs(F acc, F w, F x) {
  return {dot_pairs(acc.a, w.a, x.a), dot_pairs(acc.b, w.b, x.b)};
}

}  // namespace

#include "tensor/kernels/bf16_body.h"

namespace hearth::kernels {
const Bf16Table bf16_avx2 = kBf16Table;
}  // namespace hearth::kernels
