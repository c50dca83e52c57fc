// Attention of a few dozen query rows over tiles of keys with a running maximum, written once over the lanes of
// vec_*.h. Source: Milakov and Gimelshein, arXiv:1805.02867 (the running softmax); Dao et al., arXiv:2205.14135
// (tiles).
#pragma once

#include "tensor/kernels/elementwise_body.h"

namespace {

constexpr float kLowest = -1e30f;  // stands for minus infinity, without its NaN

/// scores[r][key] for R rows and the first 16 C keys of a transposed tile.
template <int R, int C>
static inline void scores_transposed(const float* q, int64_t padded, const float* keys, int64_t head_dim,
                                     float* scores) {
  F s[R][C];
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) s[r][c] = splat(0);
  for (int64_t d = 0; d < head_dim; ++d, keys += kKeyTile) {
    F k[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) k[c] = load(keys + 16 * c);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F x = splat(q[r * padded + d]);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) s[r][c] = fma(x, k[c], s[r][c]);
    }
  }
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) store(scores + r * kKeyTile + 16 * c, s[r][c]);
}

/// The scores of all rows against `count` keys of a transposed tile; up to the next 16 they are those of zero keys.
template <int C>
static inline void scores_tile(const float* q, int64_t padded, int64_t row_count, const float* keys, int64_t head_dim,
                               float* scores) {
  constexpr int R = kTileRows;
  int64_t r = 0;
  for (; r + R <= row_count; r += R)
    scores_transposed<R, C>(q + r * padded, padded, keys, head_dim, scores + r * kKeyTile);
  if constexpr (R > 1)
    for (; r < row_count; ++r) scores_transposed<1, C>(q + r * padded, padded, keys, head_dim, scores + r * kKeyTile);
}

/// Asks for `count` rows that come next: keys and values of a long context come from memory, two streams in turn.
static inline void prefetch_rows(const float* rows, int64_t stride, int64_t count, int64_t head_dim) {
  for (int64_t i = 0; i < count; ++i, rows += stride)
    for (int64_t d = 0; d < head_dim; d += 16) __builtin_prefetch(rows + d);
}

/// One row of scores from keys where they lie, 16 dot products at a time; past `count` they repeat the last key's.
static inline void scores_direct(const float* q, const float* keys, int64_t stride, int64_t count, int64_t head_dim,
                                 float* scores) {
  for (int64_t key = 0; key < count; key += 16) {
    const float* at[16];
    F dots[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) {
      at[i] = keys + (key + i < count ? key + i : count - 1) * stride;
      dots[i] = splat(0);
    }
    int64_t d = 0;
    for (; d + 16 <= head_dim; d += 16) {
      const F x = load(q + d);
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) dots[i] = fma(x, load(at[i] + d), dots[i]);
    }
    if (d < head_dim)
      for (int i = 0; i < 16; ++i) dots[i] = fma(load(q + d), load_first(at[i] + d, head_dim - d), dots[i]);
    store(scores + key, sums(dots));
  }
}

/// out[r] = out[r] * decay[r] + sum over keys of weights[r][key] * v[key], for C vectors of 16 values (the last may be
/// `tail` long).
template <int R, int C, bool Tail>
static inline void values_tile(const float* weights, const float* decay, const float* v, int64_t stride, int64_t count,
                               int64_t tail, float* out, int64_t padded) {
  F o[R][C];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) o[r][c] = mul(load(out + r * padded + 16 * c), splat(decay[r]));
  for (int64_t key = 0; key < count; ++key, v += stride) {
    F values[C];
    for (int c = 0; c < C; ++c) values[c] = Tail ? load_first(v + 16 * c, tail) : load(v + 16 * c);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F w = splat(weights[r * kKeyTile + key]);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) o[r][c] = fma(w, values[c], o[r][c]);
    }
  }
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) store(out + r * padded + 16 * c, o[r][c]);
}

template <int R>
static inline void values_rows(const float* weights, const float* decay, const float* v, int64_t stride, int64_t count,
                               int64_t head_dim, float* out, int64_t padded) {
  int64_t d = 0;
  for (; d + 64 <= head_dim; d += 64)
    values_tile<R, 4, false>(weights, decay, v + d, stride, count, 0, out + d, padded);
  for (; d + 32 <= head_dim; d += 32)
    values_tile<R, 2, false>(weights, decay, v + d, stride, count, 0, out + d, padded);
  for (; d + 16 <= head_dim; d += 16)
    values_tile<R, 1, false>(weights, decay, v + d, stride, count, 0, out + d, padded);
  if (d < head_dim) values_tile<R, 1, true>(weights, decay, v + d, stride, count, head_dim - d, out + d, padded);
}

// The tail of a row from its element 16 - n on: what is added to n scores and the rest, and what multiplies their
// weights.
constexpr float kLowTail[32] = {0,       0,       0,       0,       0,       0,       0,       0,
                                0,       0,       0,       0,       0,       0,       0,       0,
                                kLowest, kLowest, kLowest, kLowest, kLowest, kLowest, kLowest, kLowest,
                                kLowest, kLowest, kLowest, kLowest, kLowest, kLowest, kLowest, kLowest};
constexpr float kKeepTail[32] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/// Turns a row of scores into weights e^(score - maximum) for keys `hidden` .. `seen` - 1; the rest become 0.
static inline void softmax_row(float* s, int64_t hidden, int64_t seen, float* maximum, float* total, float* decay) {
  if (seen <= hidden || seen <= 0) {
    for (int c = 0; c < 4; ++c) store(s + 16 * c, splat(0));
    *decay = 1;
    return;
  }
  const int64_t last = (seen - 1) / 16 * 16, n = seen - last;  // the vector with the last key that is seen
  for (int64_t key = 0; key < hidden; ++key) s[key] = kLowest;
  const F tail = n == 16 ? load(s + last) : add(load_first(s + last, n), load(kLowTail + 16 - n));
  F most = tail;
  for (int64_t i = 0; i < last; i += 16) most = max(most, load(s + i));
  const float tile_maximum = largest(most);
  const float after = tile_maximum > *maximum ? tile_maximum : *maximum;
  const F shift = splat(after);
  F weights = mul(exponential(sub(tail, shift)), load(kKeepTail + 16 - n)), part = weights;
  store(s + last, weights);
  for (int64_t i = 0; i < last; i += 16) {
    weights = exponential(sub(load(s + i), shift));
    part = add(part, weights);
    store(s + i, weights);
  }
  for (int64_t i = last + 16; i < kKeyTile; i += 16) store(s + i, splat(0));
  for (int64_t key = 0; key < hidden; ++key) s[key] = 0;  // their e^-87 in the sum is nothing
  if (*maximum == after || *maximum == kLowest) {
    *decay = *maximum == after ? 1 : 0;  // in most tiles, and in the first
  } else {
    float first16[16];
    store(first16, exponential(splat(*maximum - after)));
    *decay = first16[0];
  }
  *total = *total * *decay + sum(part);
  *maximum = after;
}

/// Where the keys and the values of a tile lie.
static inline const float* keys_of(const AttentionWork& t, int64_t tile) {
  return t.pages != nullptr ? t.pages[tile / kKeyTile] + t.page_k : t.k + tile * t.kv_stride;
}
static inline const float* values_of(const AttentionWork& t, int64_t tile) {
  return t.pages != nullptr ? t.pages[tile / kKeyTile] + t.page_v : t.v + tile * t.kv_stride;
}

/// Softcap and bias of one row of scores.
static inline void adjust_row(const AttentionWork& t, int64_t row, int64_t tile, int64_t count, float* s) {
  if (t.softcap > 0)
    for (int64_t key = 0; key < count; ++key) s[key] = t.softcap * __builtin_tanhf(s[key] / t.softcap);
  if (t.bias == nullptr) return;
  const float* bias = t.bias + row / t.group * t.bias_query_stride + row % t.group * t.bias_head_stride + tile;
  for (int64_t key = 0; key < count; ++key) s[key] += bias[key];
}

/// Scores of all rows against one tile.
static inline void attention_scores(const AttentionWork& t, const float* q, int64_t row_count, int64_t tile,
                                    int64_t count, float* scores) {
  const int64_t padded = head_dim_padded(t.head_dim);
  int64_t r = 0;
  if (t.transposed == nullptr) {
    prefetch_rows(values_of(t, tile), t.kv_stride, count, t.head_dim);
    const float* keys = keys_of(t, tile);
    for (; r < row_count; ++r)
      scores_direct(q + r * padded, keys, t.kv_stride, count, t.head_dim, scores + r * kKeyTile);
    return;
  }
  const float* keys = t.transposed + tile * t.head_dim;
  if (count <= 16) return scores_tile<1>(q, padded, row_count, keys, t.head_dim, scores);
  if (count <= 32) return scores_tile<2>(q, padded, row_count, keys, t.head_dim, scores);
  if (count <= 48) return scores_tile<3>(q, padded, row_count, keys, t.head_dim, scores);
  scores_tile<4>(q, padded, row_count, keys, t.head_dim, scores);
}

static void attention(const AttentionWork& t) {
  const int64_t padded = head_dim_padded(t.head_dim), row_count = t.query_count * t.group;
  float* const q = t.scratch;
  float* const out = q + kQueryRows * padded;
  float* const scores = out + kQueryRows * padded;
  float* const maximum = scores + kQueryRows * kKeyTile;
  float* const total = maximum + kQueryRows;
  float* const decay = total + kQueryRows;
  for (int64_t r = 0; r < row_count; ++r) {
    const float* from = t.q + r / t.group * t.q_stride + r % t.group * t.head_dim;
    for (int64_t d = 0; d < padded; d += 16) {
      const int64_t n = t.head_dim - d;
      store(q + r * padded + d, mul(n >= 16 ? load(from + d) : load_first(from + d, n), splat(t.scale)));
      store(out + r * padded + d, splat(0));
    }
    maximum[r] = kLowest;
    total[r] = 0;
  }
  const int64_t last_seen = t.visible + (t.query_count - 1) * t.visible_step;
  const int64_t end = t.key_end < last_seen ? t.key_end : last_seen;
  constexpr int R = kTileRows;
  const bool is_adjusted = t.softcap > 0 || t.bias != nullptr;
  const int64_t hidden_tiles = t.hidden > t.key_begin ? (t.hidden - t.key_begin) / kKeyTile : 0;
  for (int64_t tile = t.key_begin + hidden_tiles * kKeyTile; tile < end; tile += kKeyTile) {
    const int64_t count = end - tile < kKeyTile ? end - tile : kKeyTile;
    attention_scores(t, q, row_count, tile, count, scores);
    if (t.transposed == nullptr && tile + kKeyTile < end) {
      const int64_t next = tile + kKeyTile, more = end - next < kKeyTile ? end - next : kKeyTile;
      prefetch_rows(keys_of(t, next), t.kv_stride, more, t.head_dim);
    }
    int64_t r = 0;
    for (; r < row_count; ++r) {
      const int64_t seen = t.visible + r / t.group * t.visible_step - tile;
      const int64_t hidden = t.hidden + r / t.group * t.hidden_step - tile;
      if (is_adjusted) adjust_row(t, r, tile, count, scores + r * kKeyTile);
      softmax_row(scores + r * kKeyTile, hidden < count ? hidden : count, seen < count ? seen : count, maximum + r,
                  total + r, decay + r);
    }
    const float* v = values_of(t, tile);
    for (r = 0; r + R <= row_count; r += R)
      values_rows<R>(scores + r * kKeyTile, decay + r, v, t.kv_stride, count, t.head_dim, out + r * padded, padded);
    if constexpr (R > 3)
      for (; r + 3 <= row_count; r += 3)
        values_rows<3>(scores + r * kKeyTile, decay + r, v, t.kv_stride, count, t.head_dim, out + r * padded, padded);
    for (; r < row_count; ++r)
      values_rows<1>(scores + r * kKeyTile, decay + r, v, t.kv_stride, count, t.head_dim, out + r * padded, padded);
  }
  for (int64_t r = 0; r < row_count; ++r) {
    float* to = t.partial != nullptr ? t.partial + r * (t.head_dim + 2)
                                     : t.out + r / t.group * t.out_stride + r % t.group * t.head_dim;
    float factor = 1 / total[r];
    if (t.partial != nullptr) {
      *to++ = maximum[r];
      *to++ = total[r];
      factor = 1;
    }
    for (int64_t d = 0; d < t.head_dim; d += 16) {
      const F value = mul(load(out + r * padded + d), splat(factor));
      if (t.head_dim - d >= 16)
        store(to + d, value);
      else
        store_first(to + d, value, t.head_dim - d);
    }
  }
}

static void transpose_keys(const float* k, int64_t stride, int64_t count, int64_t head_dim, float* out) {
  for (int64_t tile = 0; tile < count; tile += kKeyTile, out += head_dim * kKeyTile)
    for (int64_t first = 0; first < kKeyTile && tile + first < count; first += 16)
      for (int64_t d = 0; d < head_dim; d += 16) {
        const int64_t n = head_dim - d < 16 ? head_dim - d : 16;
        F square[16];
#pragma GCC unroll 16
        for (int64_t i = 0; i < 16; ++i) {
          const int64_t key = tile + first + i;
          square[i] = key >= count ? splat(0)
                      : n == 16    ? load(k + key * stride + d)
                                   : load_first(k + key * stride + d, n);
        }
        transpose(square);
        for (int64_t i = 0; i < n; ++i) store(out + (d + i) * kKeyTile + first, square[i]);
      }
}

}  // namespace
