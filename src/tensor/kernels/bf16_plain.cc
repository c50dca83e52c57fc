// bf16 arithmetic for any processor.
#include "tensor/kernels/vec_plain.h"

namespace {

static inline uint32_t bits_of(float x) {
  uint32_t out;
  __builtin_memcpy(&out, &x, 4);
  return out;
}
static inline float float_of(uint32_t bits) {
  float out;
  __builtin_memcpy(&out, &bits, 4);
  return out;
}

static inline F round_brain(const F& x) {
  return each([&](int i) {
    const uint32_t bits = bits_of(x.v[i]);
    const bool is_nan = (bits & 0x7fffffff) > 0x7f800000;
    return float_of((is_nan ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000);
  });
}
static inline void store_brain(uint16_t* p, const F& x) {
  for (int i = 0; i < 16; ++i) p[i] = static_cast<uint16_t>(bits_of(x.v[i]) >> 16);
}
static inline F dot_pairs(const F& acc, const F& w, const F& x) {
  return each([&](int i) {
    const uint32_t a = bits_of(w.v[i]), b = bits_of(x.v[i]);
    return acc.v[i] + float_of(a & 0xffff0000) * float_of(b & 0xffff0000) + float_of(a << 16) * float_of(b << 16);
  });
}

}  // namespace

#include "tensor/kernels/bf16_body.h"

namespace hearth::kernels {
const Bf16Table bf16_plain = kBf16Table;
}  // namespace hearth::kernels
