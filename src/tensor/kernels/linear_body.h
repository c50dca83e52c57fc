// Products with packed weights, written once over the lanes of vec_*.h. Included by each kernel file after its lanes.
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

/// Asks for the weights that few rows need next: the processor's own read-ahead on one stream reaches three quarters of
/// the memory's rate (26 of 37 GB/s, this 34). Past the end of a weight it touches nothing (a prefetch never faults).
template <int64_t Bytes>
static inline void prefetch(const uint8_t* block) {
#pragma GCC unroll 9
  for (int64_t i = 0; i < Bytes; i += 64) __builtin_prefetch(block + 8192 + i);
}

/// R activation rows through P neighbouring panels, integers inside a block, f32 between blocks. Two panels share each
/// broadcast of four activations, which halves the loads.
template <int R, int P>
static inline void panel_q4_fast(const PanelWork& t, const uint8_t* panel, const ActivationBlock* x, F (*y)[P]) {
  const int64_t next = t.blocks * kQ4BlockBytes;
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) y[r][p] = splat(0);
  for (int64_t b = 0; b < t.blocks; ++b, panel += kQ4BlockBytes, ++x) {
    if (R <= 4) prefetch<kQ4BlockBytes>(panel);
    I low[R][P], high[R][P];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p) low[r][p] = high[r][p] = splat_int(0);
#pragma GCC unroll 4
    for (int g = 0; g < 4; ++g) {
      Bytes wl[P], wh[P];
      for (int p = 0; p < P; ++p) {
        const Bytes w = load_bytes(panel + p * next + 64 + 64 * g);
        wl[p] = nibbles_low(w);
        wh[p] = nibbles_high(w);
      }
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const Four q = four(x[r * t.blocks].q + 4 * g);
        for (int p = 0; p < P; ++p) low[r][p] = dot_nibbles(low[r][p], wl[p], q);
      }
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const Four q = four(x[r * t.blocks].q + 16 + 4 * g);
        for (int p = 0; p < P; ++p) {
          I& sum = R <= 2 ? high[r][p] : low[r][p];  // few rows: two sums, so that they wait less for one another
          sum = dot_nibbles(sum, wh[p], q);
        }
      }
    }
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) {
      const F scale = load_half(reinterpret_cast<const uint16_t*>(panel + p * next));
      const F minimum = load_half(reinterpret_cast<const uint16_t*>(panel + p * next + 32));
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const ActivationBlock& a = x[r * t.blocks];
        const I sum = R <= 2 ? add_int(low[r][p], high[r][p]) : low[r][p];
        y[r][p] = fma(mul(to_float(sum), splat(a.d)), scale, y[r][p]);
        y[r][p] = fma(splat(a.sum), minimum, y[r][p]);
      }
    }
  }
}

template <int R, int P>
static inline void panel_q8_fast(const PanelWork& t, const uint8_t* panel, const ActivationBlock* x, F (*y)[P]) {
  const int64_t next = t.blocks * kQ8BlockBytes;
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < P; ++p) y[r][p] = splat(0);
  for (int64_t b = 0; b < t.blocks; ++b, panel += kQ8BlockBytes, ++x) {
    if (R <= 4) prefetch<kQ8BlockBytes>(panel);
    I acc[R][P];
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p) acc[r][p] = start_bytes(x[r * t.blocks].correction);
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) {
      Bytes w[P];
      for (int p = 0; p < P; ++p) w[p] = load_bytes(panel + p * next + 32 + 64 * g);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const Four q = four(x[r * t.blocks].q + 4 * g);
        for (int p = 0; p < P; ++p) acc[r][p] = dot_bytes(acc[r][p], w[p], q);
      }
    }
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) {
      const F scale = load_half(reinterpret_cast<const uint16_t*>(panel + p * next));
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) y[r][p] = fma(mul(to_float(acc[r][p]), splat(x[r * t.blocks].d)), scale, y[r][p]);
    }
  }
}

/// One dequantized column of a panel (16 rows) times R activations. Few rows get several sums each, so that additions
/// do not wait for one another.
template <int R>
constexpr int kSums = R >= 6   ? 1
                      : R >= 3 ? 2
                      : R == 2 ? 4
                               : 8;

template <int R>
static inline void column(F w, const float* x, int64_t stride, int index, F (*y)[kSums<R>]) {
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    F& s = y[r][index % kSums<R>];
    s = fma(w, splat(x[r * stride]), s);
  }
}
template <int R>
static inline void start_sums(F (*y)[kSums<R>]) {
  for (int r = 0; r < R; ++r)
    for (int i = 0; i < kSums<R>; ++i) y[r][i] = splat(0);
}
template <int R>
static inline void join_sums(F (*from)[kSums<R>], F* y) {
  for (int r = 0; r < R; ++r) {
    y[r] = from[r][0];
    for (int i = 1; i < kSums<R>; ++i) y[r] = add(y[r], from[r][i]);
  }
}

template <int R>
static inline void panel_q4_exact(const PanelWork& t, const uint8_t* panel, const float* x, F* y) {
  F sums[R][kSums<R>];
  start_sums<R>(sums);
  for (int64_t b = 0; b < t.blocks; ++b, panel += kQ4BlockBytes, x += kBlock) {
    if (R <= 4) prefetch<kQ4BlockBytes>(panel);
    const F scale = load_half(reinterpret_cast<const uint16_t*>(panel));
    const F minimum = load_half(reinterpret_cast<const uint16_t*>(panel + 32));
    for (int g = 0; g < 4; ++g) {
      const Bytes w = load_bytes(panel + 64 + 64 * g);
      const float* at = x + 4 * g;
      column<R>(fma(nibble_float<0>(w), scale, minimum), at, t.x_stride, 0, sums);
      column<R>(fma(nibble_float<1>(w), scale, minimum), at + 16, t.x_stride, 1, sums);
      column<R>(fma(nibble_float<2>(w), scale, minimum), at + 1, t.x_stride, 2, sums);
      column<R>(fma(nibble_float<3>(w), scale, minimum), at + 17, t.x_stride, 3, sums);
      column<R>(fma(nibble_float<4>(w), scale, minimum), at + 2, t.x_stride, 4, sums);
      column<R>(fma(nibble_float<5>(w), scale, minimum), at + 18, t.x_stride, 5, sums);
      column<R>(fma(nibble_float<6>(w), scale, minimum), at + 3, t.x_stride, 6, sums);
      column<R>(fma(nibble_float<7>(w), scale, minimum), at + 19, t.x_stride, 7, sums);
    }
  }
  join_sums<R>(sums, y);
}

template <int R>
static inline void panel_q8_exact(const PanelWork& t, const uint8_t* panel, const float* x, F* y) {
  F sums[R][kSums<R>];
  start_sums<R>(sums);
  for (int64_t b = 0; b < t.blocks; ++b, panel += kQ8BlockBytes, x += kBlock) {
    if (R <= 4) prefetch<kQ8BlockBytes>(panel);
    const F scale = load_half(reinterpret_cast<const uint16_t*>(panel));
    for (int g = 0; g < 8; ++g) {
      const Bytes w = load_bytes(panel + 32 + 64 * g);
      const float* at = x + 4 * g;
      const int odd = g % 2 * 4;
      column<R>(mul(byte_float<0>(w), scale), at, t.x_stride, odd, sums);
      column<R>(mul(byte_float<1>(w), scale), at + 1, t.x_stride, odd + 1, sums);
      column<R>(mul(byte_float<2>(w), scale), at + 2, t.x_stride, odd + 2, sums);
      column<R>(mul(byte_float<3>(w), scale), at + 3, t.x_stride, odd + 3, sums);
    }
  }
  join_sums<R>(sums, y);
}

enum class PanelKind { q4_fast, q8_fast, q4_exact, q8_exact };

template <PanelKind Kind>
constexpr bool kIsFast = Kind == PanelKind::q4_fast || Kind == PanelKind::q8_fast;
template <PanelKind Kind>
constexpr int64_t kBlockBytesOf =
    Kind == PanelKind::q4_fast || Kind == PanelKind::q4_exact ? kQ4BlockBytes : kQ8BlockBytes;

/// R rows through P panels from panel `p` on.
template <PanelKind Kind, int R, int P>
static inline void panel_rows(const PanelWork& t, int64_t p, int64_t row) {
  const uint8_t* panel = t.panels + p * t.blocks * kBlockBytesOf<Kind>;
  F out[R][P];
  if constexpr (Kind == PanelKind::q4_fast) panel_q4_fast<R, P>(t, panel, t.activations + row * t.blocks, out);
  if constexpr (Kind == PanelKind::q8_fast) panel_q8_fast<R, P>(t, panel, t.activations + row * t.blocks, out);
  if constexpr (Kind == PanelKind::q4_exact) panel_q4_exact<R>(t, panel, t.x + row * t.x_stride, out[0]);
  if constexpr (Kind == PanelKind::q8_exact) panel_q8_exact<R>(t, panel, t.x + row * t.x_stride, out[0]);
  for (int i = 0; i < P; ++i) {
    const int64_t first = (p + i) * kPanelRows;
    for (int r = 0; r < R; ++r)
      finish(t.y + (row + r) * t.y_stride + first, out[r][i], t.outs - first,
             t.bias != nullptr ? t.bias + first : nullptr, t.add);
  }
}

/// The rows that are left after the full groups, at most R at a time, biggest first.
template <PanelKind Kind, int R, int P>
static inline void panel_rest(const PanelWork& t, int64_t p, int64_t row) {
  for (; t.rows - row >= R; row += R) panel_rows<Kind, R, P>(t, p, row);
  if constexpr (R > 1) panel_rest<Kind, R / 2, P>(t, p, row);
}

template <PanelKind Kind>
static void panels(const PanelWork& t) {
  int64_t p = 0;
  if constexpr (kIsFast<Kind> && kPairRows > 0) {
    if (t.rows > kFastRows)
      for (; p + 2 <= t.panel_count; p += 2) {
        int64_t row = 0;
        for (; row + kPairRows <= t.rows; row += kPairRows) panel_rows<Kind, kPairRows, 2>(t, p, row);
        panel_rest<Kind, kPairRows / 2, 2>(t, p, row);
      }
  }
  constexpr int R = kIsFast<Kind> ? kFastRows : kExactRows;
  for (; p < t.panel_count; ++p) {
    int64_t row = 0;
    for (; row + R <= t.rows; row += R) panel_rows<Kind, R, 1>(t, p, row);
    panel_rest<Kind, (R > 8 ? 8 : R > 1 ? R / 2 : 1), 1>(t, p, row);
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

template <Element E>
static void rows(const RowsWork& t) {
  int64_t row = 0;
  for (; row + kFloatRows <= t.rows; row += kFloatRows) rows_group<E, kFloatRows, kFloatOuts>(t, row);
  for (; row + 2 <= t.rows; row += 2) rows_group<E, 2, kFloatOuts>(t, row);
  for (; row < t.rows; ++row) rows_group<E, 1, kFloatOuts>(t, row);
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
  for (; t.rows - row >= R; row += R) columns_tile<R>(t, row);
  if constexpr (R > 1) columns_rest<R / 2>(t, row);
}

static void columns(const ColumnsWork& t) {
  columns_rest<kColumnRows>(t, 0);
}

}  // namespace
