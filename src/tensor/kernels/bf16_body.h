// bf16 arithmetic, written once over the lanes of vec_*.h and three more that each kernel file defines before it
// includes this: `round_brain` (to the nearest bf16, halves to the even one), `store_brain` (the bits of rounded
// numbers) and `dot_pairs` (acc + the products of both halves of each 32-bit lane, in f32).
#pragma once

#include "tensor/kernels/bf16_table.h"
#include "tensor/kernels/elementwise_body.h"

namespace {

constexpr int64_t kPairsWidth = 16 * kColumnVectors;

static void take_pairs(const uint16_t* weight, int64_t outs, int64_t cols, int64_t begin, int64_t end, float* out) {
  for (int64_t first = 0; first < kPairsWidth; first += 16)
    for (int64_t i = begin; i < end; i += 16) {
      const int64_t n = end - i;
      F tile[16];
#pragma GCC unroll 16
      for (int64_t o = 0; o < 16; ++o) {
        const uint16_t* row = weight + (first + o) * cols;
        const float* words = reinterpret_cast<const float*>(row) + i;
        __builtin_prefetch(words + 64);  // sixteen streams are more than the processor follows by itself
        tile[o] = first + o >= outs ? splat(0) : n >= 16 ? load(words) : load_first(words, n);
      }
      transpose(tile);
      float* to = out + (i - begin) * kPairsWidth + first;
      for (int64_t c = 0; c < (n < 16 ? n : 16); ++c) store(to + c * kPairsWidth, tile[c]);
    }
}

/// The sum of one row and sixteen outputs, with what the product adds to it.
static inline void finish_pairs(const PairsWork& t, int64_t row, int64_t out, F value) {
  const int64_t n = t.outs - out;
  float* const y = t.y + row * t.y_stride + out;
  if (n >= 16) {
    if (t.bias != nullptr) value = add(value, load(t.bias + out));
    value = round_brain(value);
    if (t.add) value = round_brain(add(value, load(y)));
    store(y, value);
  } else {
    if (t.bias != nullptr) value = add(value, load_first(t.bias + out, n));
    value = round_brain(value);
    if (t.add) value = round_brain(add(value, load_first(y, n)));
    store_first(y, value, n);
  }
}

/// R activation rows times kPairsWidth outputs, a pair of columns at a time.
template <int R>
static inline void pairs_tile(const PairsWork& t, int64_t row) {
  constexpr int V = kColumnVectors, kBases = (R + 2) / 3;
  F sums[R][V];
  float* const partial = t.partial != nullptr ? t.partial + row * kPairsWidth : nullptr;
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) sums[r][v] = t.is_first ? splat(0) : load(partial + r * kPairsWidth + 16 * v);
  // Three rows share a pointer: twelve would not fit the registers.
  const char* base[kBases];
  const int64_t stride = 2 * t.x_stride;
  for (int b = 0; b < kBases; ++b) base[b] = reinterpret_cast<const char*>(t.x + (row + 3 * b) * t.x_stride);
  const float* w = t.pairs;
  for (int64_t i = 0; i < t.count; ++i, w += kPairsWidth) {
    F wide[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) wide[v] = load(w + 16 * v);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      float pair;
      __builtin_memcpy(&pair, base[r / 3] + r % 3 * stride, 4);
      const F in = splat(pair);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sums[r][v] = dot_pairs(sums[r][v], wide[v], in);
    }
#pragma GCC unroll 4
    for (int b = 0; b < kBases; ++b) base[b] += 4;
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V && 16 * v < t.outs; ++v)
      if (t.is_last)
        finish_pairs(t, row + r, 16 * v, sums[r][v]);
      else
        store(partial + r * kPairsWidth + 16 * v, sums[r][v]);
}

/// The rows that are left after the full groups, at most R at a time, biggest first.
template <int R>
static inline void pairs_rest(const PairsWork& t, int64_t row) {
  for (; t.rows - row >= R; row += R) pairs_tile<R>(t, row);
  if constexpr (R > 1) pairs_rest<R / 2>(t, row);
}

static void pairs(const PairsWork& t) {
  pairs_rest<kColumnRows>(t, 0);
}

static void to_bits(const float* x, int64_t count, uint16_t* out) {
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) store_brain(out + i, round_brain(load(x + i)));
  if (i == count) return;
  uint16_t last[16];
  store_brain(last, round_brain(load_first(x + i, count - i)));
  __builtin_memcpy(out + i, last, static_cast<uint64_t>(count - i) * 2);
}

/// Sixteen of an array, or the last n.
static inline F take(const float* x, int64_t n) {
  return n >= 16 ? load(x) : load_first(x, n);
}
static inline void give(float* out, F x, int64_t n) {
  if (n >= 16)
    store(out, x);
  else
    store_first(out, x, n);
}

static void round_all(const float* x, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += 16) give(out + i, round_brain(take(x + i, count - i)), count - i);
}

static void add_rounded(const float* x, const float* y, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += 16) {
    const F sum = add(round_brain(take(x + i, count - i)), take(y + i, count - i));
    give(out + i, round_brain(sum), count - i);
  }
}

static void rms_norm_rounded(const float* x, const float* weight, bool weight_is_f32, float eps, int64_t cols,
                             float* out) {
  F squares = splat(0);
  for (int64_t i = 0; i < cols; i += 16) {
    const F v = take(x + i, cols - i);
    squares = fma(v, v, squares);
  }
  const F scale = splat(1.0f / __builtin_sqrtf(sum(squares) / static_cast<float>(cols) + eps));
  for (int64_t i = 0; i < cols; i += 16) {
    F normal = mul(take(x + i, cols - i), scale);
    if (!weight_is_f32) normal = round_brain(normal);
    give(out + i, round_brain(mul(normal, take(weight + i, cols - i))), cols - i);
  }
}

static void silu_mul_rounded(const float* gate, const float* up, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i += 16) {
    const F curved = round_brain(silu(take(gate + i, count - i)));
    give(out + i, round_brain(mul(curved, take(up + i, count - i))), count - i);
  }
}

static void rope_rounded(float* x, int64_t heads, int64_t head_dim, int64_t half, const float* cos, const float* sin) {
  for (int64_t h = 0; h < heads; ++h, x += head_dim)
    for (int64_t i = 0; i < half; i += 16) {
      const int64_t n = half - i;
      const F a = take(x + i, n), b = take(x + half + i, n);
      const F c = round_brain(take(cos + i, n)), s = round_brain(take(sin + i, n));
      const F first = sub(round_brain(mul(a, c)), round_brain(mul(b, s)));
      const F second = add(round_brain(mul(b, c)), round_brain(mul(a, s)));
      give(x + i, round_brain(first), n);
      give(x + half + i, round_brain(second), n);
    }
}

constexpr Bf16Table kBf16Table = {
    .pairs_width = kPairsWidth,
    .take_pairs = take_pairs,
    .pairs = pairs,
    .to_bits = to_bits,
    .round = round_all,
    .add = add_rounded,
    .rms_norm = rms_norm_rounded,
    .silu_mul = silu_mul_rounded,
    .rope = rope_rounded,
};

}  // namespace
