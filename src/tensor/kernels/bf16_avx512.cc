// bf16 arithmetic for processors with AVX512_BF16. VDPBF16PS adds the two products of a lane one after the other, each
// sum rounded to f32, and takes numbers below 2^-126 as zero, in and out: beside f32 sums of the same numbers that is
// another order, and nothing that a bf16 result shows.
#include "tensor/kernels/vec_avx512.h"

namespace {

static inline F round_brain(F x) {
  const __m512i bits = _mm512_castps_si512(x.v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __mmask16 is_nan = _mm512_cmp_ps_mask(x.v, x.v, _CMP_UNORD_Q);
  const __m512i out = _mm512_mask_or_epi32(up, is_nan, bits, _mm512_set1_epi32(0x400000));
  return {_mm512_castsi512_ps(_mm512_and_si512(out, _mm512_set1_epi32(static_cast<int32_t>(0xffff0000))))};
}
static inline void store_brain(uint16_t* p, F x) {
  const __m512i bits = _mm512_srli_epi32(_mm512_castps_si512(x.v), 16);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(bits));
}
static inline F dot_pairs(F acc, F w, F x) {
  return {_mm512_dpbf16_ps(acc.v, reinterpret_cast<__m512bh>(w.v), reinterpret_cast<__m512bh>(x.v))};
}

}  // namespace

#include "tensor/kernels/bf16_body.h"

namespace hearth::kernels {
const Bf16Table bf16_avx512 = kBf16Table;
}  // namespace hearth::kernels
