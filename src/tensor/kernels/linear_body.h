// Products with float weights, written once over the lanes of vec_*.h. Included by each kernel file after its lanes.
#pragma once

#include "tensor/kernels/kernel_table.h"

namespace {

using namespace hearth::kernels;  // of the tables only: this header never meets another

/// Stores 16 (or the last n) outputs, with what the product adds to them.
static inline void finish(float* y, F value, int64_t n, const float* bias, bool add_old) {
  if (n >= 16) {
    if (bias != nullptr) value = add(value, load(bias));
    if (add_old) value = add(value, load(y));
    store(y, value);
  } else {
    if (bias != nullptr) value = add(value, load_first(bias, n));
    if (add_old) value = add(value, load_first(y, n));
    store_first(y, value, n);
  }
}

enum class Element { f32, f16, bf16 };

template <Element E>
static inline F load_element(const void* row, int64_t i) {
  if constexpr (E == Element::f32) return load(static_cast<const float*>(row) + i);
  if constexpr (E == Element::f16) return load_half(static_cast<const uint16_t*>(row) + i);
  return load_brain(static_cast<const uint16_t*>(row) + i);
}
template <Element E>
static inline F load_element_first(const void* row, int64_t i, int64_t n) {
  if constexpr (E == Element::f32) return load_first(static_cast<const float*>(row) + i, n);
  if constexpr (E == Element::f16) return load_half_first(static_cast<const uint16_t*>(row) + i, n);
  return load_brain_first(static_cast<const uint16_t*>(row) + i, n);
}

static inline void finish_one(const RowsWork& t, int64_t row, int64_t out, float value) {
  float* y = t.y + row * t.y_stride + out;
  if (t.bias != nullptr) value += t.bias[out];
  *y = t.add ? *y + value : value;
}

/// O weight rows times R activation rows as dot products along the columns.
template <Element E, int R, int O>
static inline void rows_tile(const RowsWork& t, int64_t row, int64_t out) {
  constexpr int64_t size = E == Element::f32 ? 4 : 2;
  const char* w = static_cast<const char*>(t.weight) + out * t.cols * size;
  const float* x = t.x + row * t.x_stride;
  F sums[R][O];
  for (int r = 0; r < R; ++r)
    for (int o = 0; o < O; ++o) sums[r][o] = splat(0);
  int64_t i = 0;
  for (; i + 16 <= t.cols; i += 16) {
    F wide[O];
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o) wide[o] = load_element<E>(w + o * t.cols * size, i);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F in = load(x + r * t.x_stride + i);
#pragma GCC unroll 8
      for (int o = 0; o < O; ++o) sums[r][o] = fma(wide[o], in, sums[r][o]);
    }
  }
  if (i < t.cols) {
    const int64_t n = t.cols - i;
    for (int o = 0; o < O; ++o) {
      const F wide = load_element_first<E>(w + o * t.cols * size, i, n);
      for (int r = 0; r < R; ++r) sums[r][o] = fma(wide, load_first(x + r * t.x_stride + i, n), sums[r][o]);
    }
  }
  if constexpr (R * O == 16) {  // all sixteen sums by one tree
    float totals[16];
    store(totals, ::sums(&sums[0][0]));
    for (int r = 0; r < R; ++r)
      for (int o = 0; o < O; ++o) finish_one(t, row + r, out + o, totals[r * O + o]);
  } else {
    for (int r = 0; r < R; ++r)
      for (int o = 0; o < O; ++o) finish_one(t, row + r, out + o, sum(sums[r][o]));
  }
}

template <Element E, int R, int O>
static inline void rows_group(const RowsWork& t, int64_t row) {
  int64_t out = 0;
  for (; out + O <= t.outs; out += O) rows_tile<E, R, O>(t, row, out);
  for (; out < t.outs; ++out) rows_tile<E, R, 1>(t, row, out);
}

}  // namespace

#include "tensor/kernels/row_body.h"

namespace {

template <Element E>
static void rows(const RowsWork& t) {
  int64_t row = 0;
  for (; row + kFloatRows <= t.rows; row += kFloatRows) rows_group<E, kFloatRows, kFloatOuts>(t, row);
  for (; row + 2 <= t.rows; row += 2) rows_group<E, 2, kFloatOuts>(t, row);
  for (; row < t.rows; ++row) single_row<E>(t, row);
}

constexpr int64_t kColumnWidth = 16 * kColumnVectors;

template <Element E>
static void take_columns(const void* weight, int64_t outs, int64_t cols, int64_t begin, int64_t end, float* out) {
  constexpr int64_t size = E == Element::f32 ? 4 : 2;
  const char* w = static_cast<const char*>(weight);
  for (int64_t first = 0; first < kColumnWidth; first += 16)
    for (int64_t i = begin; i < end; i += 16) {
      const int64_t n = end - i;
      F tile[16];
#pragma GCC unroll 16
      for (int64_t o = 0; o < 16; ++o) {
        const char* row = w + (first + o) * cols * size;
        __builtin_prefetch(row + (i + 128) * size);  // sixteen streams are more than the processor follows by itself
        tile[o] = first + o >= outs ? splat(0) : n >= 16 ? load_element<E>(row, i) : load_element_first<E>(row, i, n);
      }
      transpose(tile);
      float* to = out + (i - begin) * kColumnWidth + first;
      for (int64_t c = 0; c < (n < 16 ? n : 16); ++c) store(to + c * kColumnWidth, tile[c]);
    }
}

/// One row: four sums for each output, so that additions do not wait for one another.
static inline void columns_row(const ColumnsWork& t, int64_t row) {
  constexpr int V = kColumnVectors, S = 4;
  F sums[S][V];
  for (int s = 0; s < S; ++s)
    for (int v = 0; v < V; ++v) sums[s][v] = splat(0);
  const float* const x = t.x + row * t.x_stride;
  const float* w = t.columns;
  int64_t i = 0;
  for (; i + S <= t.cols; i += S, w += S * kColumnWidth)
#pragma GCC unroll 4
    for (int s = 0; s < S; ++s)
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sums[s][v] = fma(load(w + s * kColumnWidth + 16 * v), splat(x[i + s]), sums[s][v]);
  for (; i < t.cols; ++i, w += kColumnWidth)
    for (int v = 0; v < V; ++v) sums[0][v] = fma(load(w + 16 * v), splat(x[i]), sums[0][v]);
  for (int v = 0; v < V && 16 * v < t.outs; ++v)
    finish(t.y + row * t.y_stride + 16 * v, add(add(sums[0][v], sums[1][v]), add(sums[2][v], sums[3][v])),
           t.outs - 16 * v, t.bias != nullptr ? t.bias + 16 * v : nullptr, t.add);
}

/// R activation rows times kColumnWidth outputs, a column at a time: R x kColumnVectors sums in registers.
template <int R>
static inline void columns_tile(const ColumnsWork& t, int64_t row) {
  constexpr int V = kColumnVectors, kBases = (R + 2) / 3;
  F sums[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) sums[r][v] = splat(0);
  // Three rows share a pointer: twelve would not fit the registers.
  const float* base[kBases];
  for (int b = 0; b < kBases; ++b) base[b] = t.x + (row + 3 * b) * t.x_stride;
  const float* w = t.columns;
  for (int64_t i = 0; i < t.cols; ++i, w += kColumnWidth) {
    F wide[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) wide[v] = load(w + 16 * v);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const F in = splat(base[r / 3][r % 3 * t.x_stride]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sums[r][v] = fma(wide[v], in, sums[r][v]);
    }
#pragma GCC unroll 4
    for (int b = 0; b < kBases; ++b) ++base[b];
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V && 16 * v < t.outs; ++v)
      finish(t.y + (row + r) * t.y_stride + 16 * v, sums[r][v], t.outs - 16 * v,
             t.bias != nullptr ? t.bias + 16 * v : nullptr, t.add);
}

/// The rows that are left after the full groups, at most R at a time, biggest first.
template <int R>
static inline void columns_rest(const ColumnsWork& t, int64_t row) {
  if constexpr (R > 1) {
    for (; t.rows - row >= R; row += R) columns_tile<R>(t, row);
    columns_rest<R / 2>(t, row);
  } else {
    for (; row < t.rows; ++row) columns_row(t, row);
  }
}

static void columns(const ColumnsWork& t) {
  columns_rest<kColumnRows>(t, 0);
}

}  // namespace
