// Attention: cuts sequences into pieces for the pool and joins the parts of a split one.
// Source: arXiv:1805.02867; splitting a decode step over its keys as in Flash-Decoding (Dao et al., 2023).
#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/kernels/scratch.h"
#include "tensor/linear_kernels.h"

namespace hearth::kernels {
namespace {

constexpr int64_t kFewRows = 16;     // up to here keys are read where they lie: transposing them would cost more
constexpr int64_t kSplitKeys = 256;  // a decode step's piece: 2 x 64 KiB of keys and values at head_dim 64

/// Rows that share a key-value head, over some keys.
struct Piece {
  int32_t sequence, kv_head, head, heads;  // heads: how many of the group, from `head` on
  int64_t query, queries, key_begin, key_end;
  int64_t partial;  // offset of its part, -1 when it writes its rows itself
};

struct Plan {
  std::vector<Piece> pieces;
  std::vector<int64_t> transposed;  // for each sequence: offset of its transposed keys, or -1
  int64_t transposed_floats = 0, partial_floats = 0;
};

void plan_sequence(const Attention& a, int32_t sequence, int threads, Plan& plan) {
  const int64_t group = a.heads / a.kv_heads;
  const bool few = a.query_count * std::min(group, kFewRows) <= kFewRows;
  const int64_t tiles = (a.key_count + kKeyTile - 1) / kKeyTile;
  plan.transposed.push_back(few ? -1 : plan.transposed_floats);
  if (!few) plan.transposed_floats += a.kv_heads * tiles * kKeyTile * a.head_dim;
  const int64_t heads_step = std::min(group, few ? kFewRows : kQueryRows);
  const int64_t query_step = std::min(a.query_count, few ? a.query_count : kQueryRows / heads_step);
  const bool split = few && threads > 1 && a.key_count > kSplitKeys;
  const int64_t key_step = split ? kSplitKeys : a.key_count;
  // Later queries see more keys: they come first, so that the last pieces are short.
  for (int64_t query = (a.query_count - 1) / query_step * query_step; query >= 0; query -= query_step)
    for (int64_t kv_head = 0; kv_head < a.kv_heads; ++kv_head)
      for (int64_t head = 0; head < group; head += heads_step)
        for (int64_t key = 0; key < a.key_count; key += key_step) {
          const int64_t heads = std::min(heads_step, group - head),
                        queries = std::min(query_step, a.query_count - query);
          plan.pieces.push_back({sequence, static_cast<int32_t>(kv_head), static_cast<int32_t>(head),
                                 static_cast<int32_t>(heads), query, queries, key,
                                 std::min(key + key_step, a.key_count), split ? plan.partial_floats : -1});
          if (split) plan.partial_floats += queries * heads * (a.head_dim + 2);
        }
}

int64_t kv_stride(const Attention& a) {
  return a.kv_stride > 0 ? a.kv_stride : a.head_dim;
}
int64_t kv_head_stride(const Attention& a) {
  return a.kv_head_stride > 0 ? a.kv_head_stride : a.key_count * kv_stride(a);
}
int64_t q_stride(const Attention& a) {
  return a.q_stride > 0 ? a.q_stride : a.heads * a.head_dim;
}
int64_t out_stride(const Attention& a) {
  return a.out_stride > 0 ? a.out_stride : a.heads * a.head_dim;
}

/// The keys of a head from `key` on, which begins a tile: kKeyTile of them at least, or all that are left.
const float* keys_of(const Attention& a, int64_t kv_head, int64_t key) {
  if (a.pages != nullptr) return a.pages[key / kKeyTile] + a.page_k + kv_head * kv_head_stride(a);
  return a.k + kv_head * kv_head_stride(a) + key * kv_stride(a);
}

int64_t position(const Attention& a, int64_t query) {
  return a.key_count - a.query_count + query;
}
/// Keys before this one are seen by the query.
int64_t visible(const Attention& a, int64_t query) {
  if (a.causal) return position(a, query) + 1;
  return a.window > 0 ? position(a, query) + a.window : a.key_count;
}

void work(const KernelTable& k, const Attention& a, const Piece& p, const float* transposed, float* partial) {
  static thread_local Scratch<float> scratch;
  const int64_t group = a.heads / a.kv_heads;
  const int64_t first = (p.kv_head * group + p.head) * a.head_dim;
  const int64_t tiles = (a.key_count + kKeyTile - 1) / kKeyTile;
  k.attention({.q = a.q + p.query * q_stride(a) + first,
               .q_stride = q_stride(a),
               .query_count = p.queries,
               .group = p.heads,
               .head_dim = a.head_dim,
               .k = a.pages == nullptr ? a.k + p.kv_head * kv_head_stride(a) : nullptr,
               .v = a.pages == nullptr ? a.v + p.kv_head * kv_head_stride(a) : nullptr,
               .pages = a.pages,
               .page_k = a.page_k + p.kv_head * kv_head_stride(a),
               .page_v = a.page_v + p.kv_head * kv_head_stride(a),
               .transposed = transposed != nullptr ? transposed + p.kv_head * tiles * kKeyTile * a.head_dim : nullptr,
               .kv_stride = kv_stride(a),
               .key_begin = p.key_begin,
               .key_end = p.key_end,
               .visible = visible(a, p.query),
               .visible_step = a.causal || a.window > 0 ? 1 : 0,
               .hidden = a.window > 0 ? position(a, p.query) - a.window + 1 : 0,
               .hidden_step = a.window > 0 ? 1 : 0,
               .softcap = a.softcap,
               .bias = a.bias != nullptr
                           ? a.bias + p.query * a.bias_row_stride + (p.kv_head * group + p.head) * a.bias_head_stride
                           : nullptr,
               .bias_query_stride = a.bias_row_stride,
               .bias_head_stride = a.bias_head_stride,
               .scale = a.scale != 0 ? a.scale : 1 / std::sqrt(static_cast<float>(a.head_dim)),
               .out = a.out + p.query * out_stride(a) + first,
               .out_stride = out_stride(a),
               .partial = partial,
               .scratch = scratch.of(attention_scratch_floats(a.head_dim))});
}

/// Joins the parts of `count` pieces that differ in their keys alone.
void join(const Attention& a, const Piece* pieces, int64_t count, const float* partials) {
  const Piece& p = pieces[0];
  const int64_t group = a.heads / a.kv_heads, size = a.head_dim + 2;
  for (int64_t row = 0; row < p.queries * p.heads; ++row) {
    float* out =
        a.out + (p.query + row / p.heads) * out_stride(a) + (p.kv_head * group + p.head + row % p.heads) * a.head_dim;
    float maximum = partials[p.partial + row * size];
    for (int64_t i = 1; i < count; ++i) maximum = std::max(maximum, partials[pieces[i].partial + row * size]);
    float total = 0;
    std::fill(out, out + a.head_dim, 0.0f);
    for (int64_t i = 0; i < count; ++i) {
      const float* part = partials + pieces[i].partial + row * size;
      const float weight = std::exp(part[0] - maximum);
      total += weight * part[1];
      for (int64_t d = 0; d < a.head_dim; ++d) out[d] += weight * part[2 + d];
    }
    for (int64_t d = 0; d < a.head_dim; ++d) out[d] /= total;
  }
}

}  // namespace

void attention(std::span<const Attention> sequences, ThreadPool& pool) {
  const KernelTable& k = kernels();
  static thread_local Plan plan;
  static thread_local Scratch<float> transposed_keys, partial_results;
  plan.pieces.clear();
  plan.transposed.clear();
  plan.transposed_floats = plan.partial_floats = 0;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const Attention& a = sequences[i];
    VERIFY(a.heads % a.kv_heads == 0, "query heads share key-value heads evenly");
    VERIFY(a.head_dim >= 1 && a.head_dim <= kHeadDimMax, "a head is 1 to 1024 wide");
    VERIFY(a.query_count >= 1 && a.key_count >= (a.causal ? a.query_count : 1), "the queries' own keys are there");
    plan_sequence(a, static_cast<int32_t>(i), pool.threads(), plan);
  }
  float* const transposed = transposed_keys.of(plan.transposed_floats);
  float* const partials = partial_results.of(plan.partial_floats);
  const Plan& ready = plan;  // thread_local: the other threads see the caller's through this reference
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (ready.transposed[i] < 0) continue;
    const Attention& a = sequences[i];
    const int64_t tiles = (a.key_count + kKeyTile - 1) / kKeyTile;
    pool.parallel_for(a.kv_heads * tiles, 2, [&](int64_t begin, int64_t end) {
      for (; begin < end; ++begin) {
        const int64_t key = begin % tiles * kKeyTile;
        k.transpose_keys(keys_of(a, begin / tiles, key), kv_stride(a), std::min(kKeyTile, a.key_count - key),
                         a.head_dim, transposed + ready.transposed[i] + begin * kKeyTile * a.head_dim);
      }
    });
  }
  pool.parallel_for(static_cast<int64_t>(ready.pieces.size()), 1, [&](int64_t begin, int64_t end) {
    for (; begin < end; ++begin) {
      const Piece& p = ready.pieces[static_cast<size_t>(begin)];
      const int64_t at = ready.transposed[static_cast<size_t>(p.sequence)];
      work(k, sequences[static_cast<size_t>(p.sequence)], p, at < 0 ? nullptr : transposed + at,
           p.partial < 0 ? nullptr : partials + p.partial);
    }
  });
  for (size_t i = 0; i < ready.pieces.size();) {
    const Piece& p = ready.pieces[i];
    size_t end = i + 1;
    if (p.partial >= 0) {
      while (end < ready.pieces.size() && ready.pieces[end].sequence == p.sequence && ready.pieces[end].key_begin > 0)
        ++end;
      join(sequences[static_cast<size_t>(p.sequence)], &p, static_cast<int64_t>(end - i), partials);
    }
    i = end;
  }
}

}  // namespace hearth::kernels
