// Products with panels of block weights (panel_layout.h), written once over the lanes of vec_*.h and once for all
// layouts. Included by each kernel file after its lanes.
#pragma once

#include "tensor/kernels/linear_body.h"

namespace {

/// Asks for the weights that are needed next: the processor's own read-ahead on one stream reaches three quarters of
/// the memory's rate (26 of 37 GB/s, this 34). Past the end of a weight it touches nothing (a prefetch never faults).
template <int64_t Bytes>
static inline void prefetch(const uint8_t* block) {
#pragma GCC unroll 9
  for (int64_t i = 0; i < Bytes; i += 64) __builtin_prefetch(block + 8192 + i);
}

/// The same of P neighbouring panels; the first rows of several ask, the others find the weights in a cache.
template <int64_t Bytes, int P>
static inline void prefetch_panels(const PanelsView& t, const uint8_t* block) {
  prefetch<Bytes>(block);
  if constexpr (P == 2) prefetch<Bytes>(block + t.panel_bytes);
}

/// What the steps of a block share: its planes of pairs and singles.
template <Panel K>
struct HighPlanes {
  static constexpr PanelLayout L = layout_of(K);
  Bytes pairs[L.pairs() > 0 ? 2 : 1], single;

  explicit inline HighPlanes(const uint8_t* block) {
    if constexpr (L.pairs() > 0)
      for (int i = 0; i < 2; ++i) pairs[i] = load_bytes(block + L.pairs_at() + 64 * i);
    if constexpr (L.singles() > 0) single = load_bytes(block + L.singles_at());
  }
};

/// Codes of columns 4 G to 4 G + 3 of 16 rows, and of columns 16 + 4 G on: as they are, or for 8 bits and tables as
/// value + 128.
template <Panel K, int G>
static inline void codes(const uint8_t* block, const HighPlanes<K>& high_planes, const Table& table, Bytes* low,
                         Bytes* high) {
  constexpr PanelLayout L = layout_of(K);
  const uint8_t* const at = block + L.codes_at();
  if constexpr (L.bits == 8) {
    *low = load_bytes(at + 64 * G);
    *high = load_bytes(at + 64 * (4 + G));
  }
  if constexpr (L.has_nibbles()) {
    const Bytes both = load_bytes(at + 64 * G);
    *low = nibbles_low(both);
    *high = nibbles_high(both);
  }
  if constexpr (L.has_table) {
    *low = look_up(table, *low);
    *high = look_up(table, *high);
  }
  if constexpr (L.pairs() > 0) {
    constexpr int to = L.has_nibbles() ? 4 : 0;
    const Bytes a = masked_bits<2 * G - to, 3 << to>(high_planes.pairs[0]);
    const Bytes b = masked_bits<2 * G - to, 3 << to>(high_planes.pairs[1]);
    *low = L.has_nibbles() ? either(*low, a) : a;
    *high = L.has_nibbles() ? either(*high, b) : b;
  }
  if constexpr (L.singles() > 0) {
    constexpr int to = L.bits - 1;
    *low = either(*low, masked_bits<G - to, 1 << to>(high_planes.single));
    *high = either(*high, masked_bits<4 + G - to, 1 << to>(high_planes.single));
  }
}

/// The scales of 16 rows in a block's half (0 also where it has one for all).
template <Panel K>
static inline F scale_of(const uint8_t* header, const uint8_t* block, int half) {
  constexpr PanelLayout L = layout_of(K);
  if constexpr (L.scales == Scales::group) return load(reinterpret_cast<const float*>(header));
  if constexpr (L.scales == Scales::brain) return load_brain(reinterpret_cast<const uint16_t*>(header));
  const F d = load_half(reinterpret_cast<const uint16_t*>(header));
  return L.has_sub_scales() ? mul(d, load_int8(reinterpret_cast<const int8_t*>(block) + 16 * half)) : d;
}
/// Likewise the minima: what a code that is the layout's offset stands for.
template <Panel K>
static inline F minimum_of(const uint8_t* header, const uint8_t* block, int half) {
  constexpr PanelLayout L = layout_of(K);
  if constexpr (L.scales == Scales::group) {
    const float* const floats = reinterpret_cast<const float*>(header);
    return mul(load(floats), sub(splat(static_cast<float>(L.offset)), load(floats + 16)));
  } else {
    const F d = load_half(reinterpret_cast<const uint16_t*>(header + 32));
    if constexpr (!L.has_sub_scales()) return d;
    return mul(d, load_int8(reinterpret_cast<const int8_t*>(block) + 16 * (L.halves() + half)));
  }
}

/// Where a block's sum of integers begins, so that it is that of code - offset. corrections: -128 times the sum of its
/// activations.
template <Panel K>
static inline I start_of(int32_t correction) {
  constexpr PanelLayout L = layout_of(K);
  if constexpr (L.offset == 128) return start_bytes(correction);
  if constexpr (L.offset == 0) return splat_int(0);
  return splat_int(correction / (128 / (L.offset > 0 ? L.offset : 1)));
}

/// High and low columns have sums of their own: where scales differ, and for few rows, so that additions wait less for
/// one another.
template <Panel K, int R>
constexpr bool kTwoSums = R <= 2 || layout_of(K).halves() == 2;

template <Panel K, int G, int R, int P>
static inline void step(const PanelsView& t, const uint8_t* block, const HighPlanes<K>* high_planes, const Table& table,
                        const ActivationBlock* x, I (*low)[P], I (*high)[P]) {
  constexpr bool is_signed = layout_of(K).offset == 128;
  Bytes wl[P], wh[P];
#pragma GCC unroll 2
  for (int p = 0; p < P; ++p) codes<K, G>(block + p * t.panel_bytes, high_planes[p], table, wl + p, wh + p);
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    const Four q = four(x[r * t.blocks].q + 4 * G);
    for (int p = 0; p < P; ++p) low[r][p] = is_signed ? dot_bytes(low[r][p], wl[p], q) : dot_codes(low[r][p], wl[p], q);
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    const Four q = four(x[r * t.blocks].q + 16 + 4 * G);
    for (int p = 0; p < P; ++p) {
      I& sum = kTwoSums<K, R> ? high[r][p] : low[r][p];
      sum = is_signed ? dot_bytes(sum, wh[p], q) : dot_codes(sum, wh[p], q);
    }
  }
}

/// A block's sums of integers, or those of one of its halves, times their scales.
template <Panel K, int R, int P, int Half>
static inline void add_sums(const PanelsView& t, const uint8_t* header, const uint8_t* block, const ActivationBlock* x,
                            const I (*low)[P], const I (*high)[P], F (*y)[P]) {
  constexpr PanelLayout L = layout_of(K);
#pragma GCC unroll 2
  for (int p = 0; p < P; ++p) {
    const uint8_t* const from = block + p * t.panel_bytes;
    const F scale = scale_of<K>(header + p * t.panel_bytes, from, Half);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const bool both = kTwoSums<K, R> && L.halves() == 1;
      const I sum = both ? add_int(low[r][p], high[r][p]) : Half == 0 ? low[r][p] : high[r][p];
      y[r][p] = fma(mul(to_float(sum), splat(x[r * t.blocks].d)), scale, y[r][p]);
    }
    if constexpr (L.has_minimum) {
      const F minimum = minimum_of<K>(header + p * t.panel_bytes, from, Half);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        const ActivationBlock& a = x[r * t.blocks];
        const float last = L.halves() == 2 ? a.d * (static_cast<float>(a.correction_high) / -128.0f) : 0;
        y[r][p] = fma(splat(Half == 0 ? a.sum - last : last), minimum, y[r][p]);
      }
    }
  }
}

/// One block of P neighbouring panels times R activation rows, added to y.
template <Panel K, int R, int P>
static inline void block_rows(const PanelsView& t, const uint8_t* header, const uint8_t* block, const Table& table,
                              const ActivationBlock* x, F (*y)[P]) {
  constexpr PanelLayout L = layout_of(K);
  constexpr bool has_halves = L.halves() == 2;
  I low[R][P], high[R][P];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    const ActivationBlock& a = x[r * t.blocks];
    const auto first = static_cast<int32_t>(static_cast<uint32_t>(a.correction) -
                                            static_cast<uint32_t>(has_halves ? a.correction_high : 0));
    for (int p = 0; p < P; ++p) {
      low[r][p] = start_of<K>(first);
      high[r][p] = has_halves ? start_of<K>(a.correction_high) : splat_int(0);
    }
  }
  const HighPlanes<K> planes[2] = {HighPlanes<K>(block), HighPlanes<K>(block + (P - 1) * t.panel_bytes)};
  step<K, 0, R, P>(t, block, planes, table, x, low, high);
  step<K, 1, R, P>(t, block, planes, table, x, low, high);
  step<K, 2, R, P>(t, block, planes, table, x, low, high);
  step<K, 3, R, P>(t, block, planes, table, x, low, high);
  add_sums<K, R, P, 0>(t, header, block, x, low, high, y);
  if constexpr (has_halves) add_sums<K, R, P, 1>(t, header, block, x, low, high, y);
}

/// R activation rows through P panels from panel `p` on: integers inside a block, f32 between blocks. Two panels share
/// each broadcast of four activations, which halves the loads.
template <Panel K, int R, int P>
static inline void panel_rows(const PanelWork& work, int64_t p, int64_t row) {
  constexpr PanelLayout L = layout_of(K);
  const PanelsView& t = work.panels;
  const uint8_t* at = t.first + p * t.panel_bytes;
  const ActivationBlock* x = work.activations + row * t.blocks;
  const Table table = load_table(L.has_table ? t.table : nullptr);
  F y[R][P];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
    for (int i = 0; i < P; ++i) y[r][i] = splat(0);
  if constexpr (L.group() == 1) {
    constexpr int64_t bytes = L.header_bytes() + L.block_bytes();
    for (int64_t b = 0; b < t.blocks; ++b, ++x, at += bytes) {
      if (row == 0) prefetch_panels<bytes, P>(t, at);
      block_rows<K, R, P>(t, at, at + L.header_bytes(), table, x, y);
    }
  } else {
    for (int64_t left = t.blocks; left > 0; left -= t.group) {
      const uint8_t* const header = at;
      if (row == 0) prefetch_panels<L.header_bytes(), P>(t, at);
      at += L.header_bytes();
      const int64_t count = left < t.group ? left : t.group;
      for (int64_t b = 0; b < count; ++b, ++x, at += L.block_bytes()) {
        if (row == 0) prefetch_panels<L.block_bytes(), P>(t, at);
        block_rows<K, R, P>(t, header, at, table, x, y);
      }
    }
  }
  for (int i = 0; i < P; ++i) {
    const int64_t first = (p + i) * kPanelRows;
    for (int r = 0; r < R; ++r)
      finish(work.y + (row + r) * work.y_stride + first, y[r][i], work.outs - first,
             work.bias != nullptr ? work.bias + first : nullptr, work.add);
  }
}

/// The rows that are left after the full groups, at most R at a time, biggest first.
template <Panel K, int R, int P>
static inline void panel_rest(const PanelWork& t, int64_t p, int64_t row) {
  for (; t.rows - row >= R; row += R) panel_rows<K, R, P>(t, p, row);
  if constexpr (R > 1) panel_rest<K, R / 2, P>(t, p, row);
}

template <Panel K>
static void panels(const PanelWork& t) {
  int64_t p = 0;
  if constexpr (kPairRows > 0 && layout_of(K).halves() == 1) {  // the sums of two halves leave no registers for a pair
    if (t.rows > kFastRows)
      for (; p + 2 <= t.panel_count; p += 2) {
        int64_t row = 0;
        for (; row + kPairRows <= t.rows; row += kPairRows) panel_rows<K, kPairRows, 2>(t, p, row);
        panel_rest<K, kPairRows / 2, 2>(t, p, row);
      }
  }
  for (; p < t.panel_count; ++p) panel_rest<K, kFastRows, 1>(t, p, 0);
}

/// Where the columns of a block go: to memory, or straight into R sums for each output, some for even and some for odd
/// columns where there are few rows, so that additions do not wait for one another.
struct ColumnStore {
  float* out;
  int64_t width;
  inline void take(int column, F weight) { store(out + column * width, weight); }
};
template <int R>
struct ColumnSums {
  static constexpr int kSums = R == 1 ? 8 : R == 2 ? 4 : 2;
  const float* x;
  int64_t x_stride;
  F sums[R][kSums];
  inline void take(int column, F weight) {
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      F& s = sums[r][column % kSums];
      s = fma(weight, splat(x[r * x_stride + column]), s);
    }
  }
};

/// What a block's codes are turned into weights with.
struct BlockScales {
  F scale[2], minimum[2], zero;
};

template <Panel K, int Index>
static inline F weight_of(Bytes code, const BlockScales& s, int half) {
  constexpr PanelLayout L = layout_of(K);
  F out = code_float<Index>(code);
  if constexpr (L.offset != 0 || L.scales == Scales::group) out = sub(out, s.zero);
  if constexpr (L.has_minimum && L.scales != Scales::group) return fma(out, s.scale[half], s.minimum[half]);
  return mul(out, s.scale[half]);
}

template <Panel K, int G, class Sink>
static inline void step_columns(const uint8_t* block, const HighPlanes<K>& planes, const Table& table,
                                const BlockScales& s, Sink& sink) {
  Bytes low, high;
  codes<K, G>(block, planes, table, &low, &high);
  sink.take(4 * G, weight_of<K, 0>(low, s, 0));
  sink.take(4 * G + 1, weight_of<K, 1>(low, s, 0));
  sink.take(4 * G + 2, weight_of<K, 2>(low, s, 0));
  sink.take(4 * G + 3, weight_of<K, 3>(low, s, 0));
  sink.take(16 + 4 * G, weight_of<K, 0>(high, s, 1));
  sink.take(17 + 4 * G, weight_of<K, 1>(high, s, 1));
  sink.take(18 + 4 * G, weight_of<K, 2>(high, s, 1));
  sink.take(19 + 4 * G, weight_of<K, 3>(high, s, 1));
}

/// All columns of a block, exact: products (code - offset) * scale of GGML's types have at most 24 bits, so that fma
/// rounds once, as their two steps do.
template <Panel K, class Sink>
static inline void block_columns(const uint8_t* header, const uint8_t* block, const Table& table, Sink& sink) {
  constexpr PanelLayout L = layout_of(K);
  prefetch<L.block_bytes()>(block);
  BlockScales s;
  for (int half = 0; half < 2; ++half) {
    s.scale[half] = scale_of<K>(header, block, L.halves() == 2 ? half : 0);
    s.minimum[half] = L.has_minimum ? minimum_of<K>(header, block, L.halves() == 2 ? half : 0) : splat(0);
  }
  s.zero = L.scales == Scales::group ? load(reinterpret_cast<const float*>(header) + 16)
                                     : splat(static_cast<float>(L.offset));
  const HighPlanes<K> planes(block);
  step_columns<K, 0>(block, planes, table, s, sink);
  step_columns<K, 1>(block, planes, table, s, sink);
  step_columns<K, 2>(block, planes, table, s, sink);
  step_columns<K, 3>(block, planes, table, s, sink);
}

/// Calls block_columns for the blocks [begin, end) of a panel; next(sink) follows each.
template <Panel K, class Sink, class Next>
static inline void panel_blocks(const PanelsView& t, const uint8_t* panel, int64_t begin, int64_t end, Sink& sink,
                                Next next) {
  constexpr PanelLayout L = layout_of(K);
  const int64_t group = L.group() > 0 ? L.group() : t.group, group_bytes = L.header_bytes() + group * L.block_bytes();
  const Table table = load_table(L.has_table ? t.table : nullptr);
  for (int64_t b = begin; b < end; ++b) {
    const uint8_t* const header = panel + b / group * group_bytes;
    block_columns<K>(header, header + L.header_bytes() + b % group * L.block_bytes(), table, sink);
    next(sink);
  }
}

template <Panel K>
static void panel_columns(const PanelsView& t, int64_t panel_count, int64_t begin, int64_t end, float* out,
                          int64_t width) {
  for (int64_t p = 0; p < panel_count; ++p) {
    ColumnStore sink{out + 16 * p, width};
    panel_blocks<K>(t, t.first + p * t.panel_bytes, begin, end, sink,
                    [](ColumnStore& s) { s.out += kBlock * s.width; });
  }
}

/// Few rows, exact.
template <Panel K, int R>
static inline void exact_rows(const PanelWork& work, int64_t p, int64_t row) {
  const PanelsView& t = work.panels;
  ColumnSums<R> sink{work.x + row * work.x_stride, work.x_stride, {}};
  for (int r = 0; r < R; ++r)
    for (F& s : sink.sums[r]) s = splat(0);
  panel_blocks<K>(t, t.first + p * t.panel_bytes, 0, t.blocks, sink, [](ColumnSums<R>& s) { s.x += kBlock; });
  const int64_t first = p * kPanelRows;
  for (int r = 0; r < R; ++r) {
    F y = sink.sums[r][0];
    for (int i = 1; i < ColumnSums<R>::kSums; ++i) y = add(y, sink.sums[r][i]);
    finish(work.y + (row + r) * work.y_stride + first, y, work.outs - first,
           work.bias != nullptr ? work.bias + first : nullptr, work.add);
  }
}

template <Panel K>
static void panels_exact(const PanelWork& t) {
  for (int64_t p = 0; p < t.panel_count; ++p) {
    int64_t row = 0;
    if constexpr (kFastRows > 1)
      for (; row + 4 <= t.rows; row += 4) exact_rows<K, 4>(t, p, row);
    if constexpr (kFastRows > 1)
      for (; row + 2 <= t.rows; row += 2) exact_rows<K, 2>(t, p, row);
    for (; row < t.rows; ++row) exact_rows<K, 1>(t, p, row);
  }
}

template <Panel K>
constexpr PanelKernels kKernels{panels<K>, panels_exact<K>, panel_columns<K>};
constexpr PanelKernels kPanelKernels[kPanelKinds] = {
    kKernels<Panel::q4_0>,   kKernels<Panel::q4_1>,    kKernels<Panel::q5_0>,   kKernels<Panel::q5_1>,
    kKernels<Panel::q8_0>,   kKernels<Panel::iq4_nl>,  kKernels<Panel::mxfp4>,  kKernels<Panel::q2_k>,
    kKernels<Panel::q3_k>,   kKernels<Panel::q4_k>,    kKernels<Panel::q5_k>,   kKernels<Panel::q6_k>,
    kKernels<Panel::iq4_xs>, kKernels<Panel::group_4>, kKernels<Panel::group_8>};

}  // namespace
