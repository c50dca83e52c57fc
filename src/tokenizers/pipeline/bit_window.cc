#include "tokenizers/pipeline/bit_window.h"

#include <immintrin.h>

#include "tokenizers/pipeline/character_class.h"

namespace hearth::tokenizers {

ByteClasses classify_64_plain(const char* p) {
  ByteClasses out{};
  for (size_t i = 0; i < 64; ++i) {
    const auto b = static_cast<unsigned char>(p[i]);
    const uint64_t bit = uint64_t{1} << i;
    if (b >= 0x80) {
      out.multi |= bit;
      continue;
    }
    const uint32_t kind = kAsciiClasses[b];
    if (kind & unicode::letter) out.letter |= bit;
    if (kind & unicode::number) out.number |= bit;
    if (kind & kSpaceBit) out.space |= bit;
    if (b == ' ') out.blank |= bit;
    if (b == '\r' || b == '\n') out.line_end |= bit;
    if (b == '\'') out.apostrophe |= bit;
    if (b > ' ' && b < 0x7F) out.visible |= bit;
  }
  return out;
}

namespace {

#if defined(__x86_64__)
#define HEARTH_AVX512 __attribute__((target("avx512f,avx512bw")))
#define HEARTH_AVX2 __attribute__((target("avx2")))

HEARTH_AVX512 inline uint64_t between(__m512i b, char low, char count) {
  return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(b, _mm512_set1_epi8(low)), _mm512_set1_epi8(count));
}
HEARTH_AVX512 inline uint64_t equal(__m512i b, char c) {
  return _mm512_cmpeq_epi8_mask(b, _mm512_set1_epi8(c));
}
HEARTH_AVX512 ByteClasses classify_avx512(const char* p) {
  const __m512i b = _mm512_loadu_si512(p);
  const uint64_t blank = equal(b, ' ');
  return {between(_mm512_or_si512(b, _mm512_set1_epi8(0x20)), 'a', 26),
          between(b, '0', 10),
          between(b, 9, 5) | blank,
          blank,
          equal(b, '\r') | equal(b, '\n'),
          equal(b, '\''),
          between(b, 0x21, 0x7F - 0x21),
          _mm512_movepi8_mask(b)};
}

struct Halves {
  __m256i low, high;
};
HEARTH_AVX2 inline uint64_t bits(__m256i low, __m256i high) {
  return static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(low))) |
         static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(high))) << 32;
}
// Signed: bytes from 0x80 on are below all.
HEARTH_AVX2 inline uint64_t between(const Halves& b, char first, char last) {
  const __m256i below = _mm256_set1_epi8(static_cast<char>(first - 1));
  const __m256i above = _mm256_set1_epi8(static_cast<char>(last + 1));
  return bits(_mm256_and_si256(_mm256_cmpgt_epi8(b.low, below), _mm256_cmpgt_epi8(above, b.low)),
              _mm256_and_si256(_mm256_cmpgt_epi8(b.high, below), _mm256_cmpgt_epi8(above, b.high)));
}
HEARTH_AVX2 inline uint64_t equal(const Halves& b, char c) {
  const __m256i v = _mm256_set1_epi8(c);
  return bits(_mm256_cmpeq_epi8(b.low, v), _mm256_cmpeq_epi8(b.high, v));
}
HEARTH_AVX2 ByteClasses classify_avx2(const char* p) {
  const Halves b{_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
                 _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
  const __m256i fold = _mm256_set1_epi8(0x20);
  const Halves folded{_mm256_or_si256(b.low, fold), _mm256_or_si256(b.high, fold)};
  const uint64_t blank = equal(b, ' ');
  return {between(folded, 'a', 'z'),       between(b, '0', '9'), between(b, 9, 13) | blank, blank,
          equal(b, '\r') | equal(b, '\n'), equal(b, '\''),       between(b, 0x21, 0x7E),    bits(b.low, b.high)};
}
#endif

Classify best() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw")) return classify_avx512;
  if (__builtin_cpu_supports("avx2")) return classify_avx2;
#endif
  return classify_64_plain;
}

}  // namespace

Classify classify_64() {
  static const Classify kBest = best();
  return kBest;
}

}  // namespace hearth::tokenizers
