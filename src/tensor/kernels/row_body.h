// One activation row times float weights: a step of decoding, as fast as the weights come from memory. Included by
// linear_body.h, whose elements it reads.
#pragma once

namespace {

/// The weights are read in the order in which they lie, sixteen outputs after one another, and asked for ahead: the
/// processor's own read-ahead stops at the end of each page.
template <Element E>
static inline void single_row(const RowsWork& t, int64_t row) {
  constexpr int64_t size = E == Element::f32 ? 4 : 2, kAhead = 8192;
  const char* w = static_cast<const char*>(t.weight);
  const float* x = t.x + row * t.x_stride;
  for (int64_t out = 0; out < t.outs; out += 16) {
    const int64_t outs = t.outs - out < 16 ? t.outs - out : 16;
    F totals[16];
    for (int64_t o = outs; o < 16; ++o) totals[o] = splat(0);
    for (int64_t o = 0; o < outs; ++o, w += t.cols * size) {
      F parts[4] = {splat(0), splat(0), splat(0), splat(0)};
      int64_t i = 0;
      for (; i + 64 <= t.cols; i += 64) {
#pragma GCC unroll 4
        for (int64_t line = 0; line < size; ++line) __builtin_prefetch(w + i * size + kAhead + 64 * line);
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) parts[v] = fma(load_element<E>(w, i + 16 * v), load(x + i + 16 * v), parts[v]);
      }
      for (; i + 16 <= t.cols; i += 16) parts[0] = fma(load_element<E>(w, i), load(x + i), parts[0]);
      if (i < t.cols) parts[1] = fma(load_element_first<E>(w, i, t.cols - i), load_first(x + i, t.cols - i), parts[1]);
      totals[o] = add(add(parts[0], parts[1]), add(parts[2], parts[3]));
    }
    finish(t.y + row * t.y_stride + out, sums(totals), outs, t.bias != nullptr ? t.bias + out : nullptr, t.add);
  }
}

}  // namespace
