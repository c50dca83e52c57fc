// Rounding of activations, normalization, SwiGLU and rotary positions, written once over the lanes of vec_*.h.
#pragma once

#include "tensor/kernels/kernel_table.h"

namespace {

using namespace hearth::kernels;

/// e^x within 2 units in the last place for x in [-87, 88]; clamped outside.
/// Source: Cody and Waite's reduction by ln 2 in two parts; Taylor's polynomial to degree 7 on |r| <= 0.35.
static inline F exponential(F x) {
  x = min(max(x, splat(-87.3f)), splat(88.3f));
  const I n = round_to_int(mul(x, splat(1.44269504088896341f)));
  const F k = to_float(n);
  F r = fma(k, splat(-0.693359375f), x);
  r = fma(k, splat(2.12194440e-4f), r);
  F p = splat(1.0f / 5040);
  p = fma(p, r, splat(1.0f / 720));
  p = fma(p, r, splat(1.0f / 120));
  p = fma(p, r, splat(1.0f / 24));
  p = fma(p, r, splat(1.0f / 6));
  p = fma(p, r, splat(0.5f));
  p = fma(p, r, splat(1.0f));
  p = fma(p, r, splat(1.0f));
  return mul(p, power_of_two(n));
}

static void quantize(const float* x, int64_t blocks, ActivationBlock* out) {
  for (int64_t b = 0; b < blocks; ++b, x += kBlock, ++out) {
    const F x0 = load(x), x1 = load(x + 16);
    const float most = magnitude(x0, x1);
    // Below 1e-30 the block counts as zero: its reciprocal would leave f32. A NaN or infinity goes into d, and so into
    // y.
    const F inverse = splat(most < 1e-30f ? 0.0f : 127.0f / most);
    const I q0 = round_to_int(mul(x0, inverse)), q1 = round_to_int(mul(x1, inverse));
    store_bytes(out->q, q0);
    store_bytes(out->q + 16, q1);
    const int32_t total = sum_int(add_int(q0, q1)), high = sum_int(q1);
    out->d = most < 1e-30f ? 0.0f : most / 127.0f;
    out->sum = out->d * static_cast<float>(total);
    constexpr auto kOffset = static_cast<uint32_t>(-128);
    out->correction = static_cast<int32_t>(static_cast<uint32_t>(total) * kOffset);  // wraps for NaN
    out->correction_high = static_cast<int32_t>(static_cast<uint32_t>(high) * kOffset);
  }
}

static void rms_norm(const float* x, const float* weight, float eps, int64_t cols, float* out) {
  F squares = splat(0);
  int64_t i = 0;
  for (; i + 16 <= cols; i += 16) squares = fma(load(x + i), load(x + i), squares);
  const int64_t rest = cols - i;
  if (rest > 0) squares = fma(load_first(x + i, rest), load_first(x + i, rest), squares);
  const float mean = sum(squares) / static_cast<float>(cols);
  const F scale = splat(1.0f / __builtin_sqrtf(mean + eps));
  for (i = 0; i + 16 <= cols; i += 16) store(out + i, mul(mul(load(x + i), scale), load(weight + i)));
  if (rest > 0) store_first(out + i, mul(mul(load_first(x + i, rest), scale), load_first(weight + i, rest)), rest);
}

/// Two passes over x, as the variance of far-off values needs it. bias may be null.
static void layer_norm(const float* x, const float* weight, const float* bias, float eps, int64_t cols, float* out) {
  F total = splat(0);
  int64_t i = 0;
  for (; i + 16 <= cols; i += 16) total = add(total, load(x + i));
  const int64_t rest = cols - i, whole = i;
  if (rest > 0) total = add(total, load_first(x + i, rest));
  const float mean = sum(total) / static_cast<float>(cols);
  const F middle = splat(mean);
  F squares = splat(0);
  for (i = 0; i < whole; i += 16) {
    const F apart = sub(load(x + i), middle);
    squares = fma(apart, apart, squares);
  }
  float variance = sum(squares);
  for (i = whole; i < cols; ++i) variance += (x[i] - mean) * (x[i] - mean);
  variance /= static_cast<float>(cols);
  const float scale = 1.0f / __builtin_sqrtf(variance + eps);
  const F by = splat(scale);
  for (i = 0; i < whole; i += 16) {
    const F normal = mul(mul(sub(load(x + i), middle), by), load(weight + i));
    store(out + i, bias != nullptr ? add(normal, load(bias + i)) : normal);
  }
  for (; i < cols; ++i) out[i] = (x[i] - mean) * scale * weight[i] + (bias != nullptr ? bias[i] : 0);
}

static inline F silu(F x) {
  return div(x, add(splat(1.0f), exponential(sub(splat(0.0f), x))));
}

/// erf within 4e-7. Source: the rational function of Eigen 3.4 MathFunctionsImpl.h (generic_fast_erf_float), which is
/// 1 past 4.
static inline F error_function(F x) {
  x = min(max(x, splat(-4.0f)), splat(4.0f));
  const F s = mul(x, x);
  F p = splat(-2.72614225801306e-10f);
  p = fma(p, s, splat(2.77068142495902e-08f));
  p = fma(p, s, splat(-2.10102402082508e-06f));
  p = fma(p, s, splat(-5.69250639462346e-05f));
  p = fma(p, s, splat(-7.34990630326855e-04f));
  p = fma(p, s, splat(-2.95459980854025e-03f));
  p = fma(p, s, splat(-1.60960333262415e-02f));
  F q = splat(-1.45660718464996e-05f);
  q = fma(q, s, splat(-2.13374055278905e-04f));
  q = fma(q, s, splat(-1.68282697438203e-03f));
  q = fma(q, s, splat(-7.37332916720468e-03f));
  q = fma(q, s, splat(-1.42647390514189e-02f));
  return div(mul(x, p), q);
}

static inline F gelu(F x) {
  const F half = mul(x, splat(0.5f));
  return fma(half, error_function(mul(x, splat(0.70710678118654752f))), half);
}
/// x * sigmoid(2 u), which is 0.5 x (1 + tanh(u)).
static inline F gelu_tanh(F x) {
  const F twice = mul(mul(x, splat(2 * 0.79788456080286536f)), fma(mul(x, x), splat(0.044715f), splat(1.0f)));
  return div(x, add(splat(1.0f), exponential(sub(splat(0.0f), twice))));
}
static inline F quick_gelu(F x) {
  return div(x, add(splat(1.0f), exponential(mul(x, splat(-1.702f)))));
}
static inline F relu(F x) {
  return max(splat(0), x);  // of a NaN the second: it stays
}

template <F (*Of)(F)>
static inline void map(const float* x, int64_t count, float* out) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) store(out + i, Of(load(x + i)));
  if (i < count) store_first(out + i, Of(load_first(x + i, count - i)), count - i);
}

static void curve(Curve which, const float* x, int64_t count, float* out) {
  switch (which) {
    case Curve::silu:
      return map<silu>(x, count, out);
    case Curve::gelu:
      return map<gelu>(x, count, out);
    case Curve::gelu_tanh:
      return map<gelu_tanh>(x, count, out);
    case Curve::quick_gelu:
      return map<quick_gelu>(x, count, out);
    case Curve::relu:
      return map<relu>(x, count, out);
  }
}

/// The first of the largest values; any index where there is a NaN.
static int64_t argmax(const float* x, int64_t count) {
  constexpr int64_t kPart = 256;
  float best = -__builtin_inff();
  int64_t at = 0;
  for (int64_t begin = 0; begin < count; begin += kPart) {
    const int64_t end = begin + kPart < count ? begin + kPart : count;
    F most[4] = {splat(best), splat(best), splat(best), splat(best)};
    int64_t i = begin;
    for (; i + 64 <= end; i += 64)
      for (int v = 0; v < 4; ++v) most[v] = max(most[v], load(x + i + 16 * v));
    float part = largest(max(max(most[0], most[1]), max(most[2], most[3])));
    for (; i < end; ++i) part = x[i] > part ? x[i] : part;
    if (part > best) best = part, at = begin;
  }
  for (int64_t i = at; i < count; ++i)
    if (x[i] == best) return i;
  return at;
}

static void silu_mul(const float* gate, const float* up, int64_t count, float* out) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) store(out + i, mul(silu(load(gate + i)), load(up + i)));
  const int64_t rest = count - i;
  if (rest > 0) store_first(out + i, mul(silu(load_first(gate + i, rest)), load_first(up + i, rest)), rest);
}

static void rope(float* x, int64_t heads, int64_t head_dim, const float* cos, const float* sin) {
  const int64_t half = head_dim / 2;
  for (int64_t h = 0; h < heads; ++h, x += head_dim) {
    int64_t i = 0;
    for (; i + 16 <= half; i += 16) {
      const F a = load(x + i), b = load(x + half + i), c = load(cos + i), s = load(sin + i);
      store(x + i, sub(mul(a, c), mul(b, s)));
      store(x + half + i, add(mul(b, c), mul(a, s)));
    }
    for (; i < half; ++i) {
      const float a = x[i], b = x[half + i];
      x[i] = a * cos[i] - b * sin[i];
      x[half + i] = b * cos[i] + a * sin[i];
    }
  }
}

}  // namespace
