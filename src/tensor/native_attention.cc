// The native backend's attention, over tensors and over the pages of a cache, and what writes those.
#include <algorithm>
#include <vector>

#include "base/text.h"
#include "tensor/kernels/kernel_table.h"
#include "tensor/native_ops.h"

namespace hearth {
namespace {

using native::dense;

static_assert(kKvPagePositions == kernels::kKeyTile, "the kernel finds a tile's keys in one page");

/// Where a page's layer begins, and how far apart its heads, and its keys and values are.
struct PageLayout {
  int64_t layer, kinds, head, kv;
  PageLayout(const Tensor& page, int64_t index) {
    kinds = page.size(1);
    head = page.size(3) * page.size(4);
    kv = page.size(2) * head;
    layer = index * kinds * kv;
  }
};

/// The first page, after which all others are.
const Tensor& page_of(const KvPagesView& view, int64_t positions) {
  if (view.pages.empty() || positions > static_cast<int64_t>(view.pages.size()) * kKvPagePositions)
    throw ShapeError(cat(positions, " positions in ", view.pages.size(), " pages of a cache"));
  const auto& page = view.pages[0]->values();
  if (view.layer < 0 || view.layer >= page.size(0))
    throw ShapeError(cat("layer ", view.layer, " of a cache page ", page.shape().text()));
  return page;
}

void expect_keys(const Tensor& q, const AttentionSequence& s, int64_t kv_heads, int64_t head_dim, bool causal) {
  if (head_dim != q.size(2) || q.size(1) % kv_heads != 0 || s.key_count < (causal ? s.row_count : 1) ||
      s.row_begin + s.row_count > q.size(0))
    throw ShapeError(
        cat("attention of ", q.shape().text(), " to ", s.key_count, " keys of ", kv_heads, " heads of ", head_dim));
}

void set_tensors(const AttentionSequence& s, kernels::Attention& a) {
  if (s.k.shape() != s.v.shape() || s.k.dim() != 3 || s.key_count > s.k.size(1) || s.k.strides() != s.v.strides() ||
      s.k.strides()[2] != 1)
    throw ShapeError(cat("attention to ", s.key_count, " keys of ", s.k.shape().text()));
  a.k = s.k.data<float>();
  a.v = s.v.data<float>();
  a.kv_heads = s.k.size(0);
  a.kv_stride = s.k.strides()[1];
  a.kv_head_stride = s.k.strides()[0];
}

/// `begins`: where the pages begin, with room for these.
void set_pages(const AttentionSequence& s, kernels::Attention& a, std::vector<const float*>& begins) {
  const Tensor& page = page_of(s.cache, s.key_count);
  const PageLayout at(page, s.cache.layer);
  a.pages = begins.data() + begins.size();
  for (int64_t i = 0; i * kKvPagePositions < s.key_count; ++i)
    begins.push_back(s.cache.pages[static_cast<size_t>(i)]->values().data<float>());
  a.page_k = at.layer;
  a.page_v = at.layer + (at.kinds - 1) * at.kv;
  a.kv_heads = page.size(2);
  a.kv_stride = page.size(4);
  a.kv_head_stride = at.head;
}

void set_bias(const AttentionSequence& s, kernels::Attention& a) {
  const auto& b = s.bias;
  if (b.dim() != 3 || (b.size(0) != 1 && b.size(0) != a.heads) || (b.size(1) != 1 && b.size(1) != s.row_count) ||
      b.size(2) != s.key_count || b.strides()[2] != 1)
    throw ShapeError(cat("attention: a bias ", b.shape().text(), " for ", s.row_count, " rows"));
  a.bias = b.data<float>();
  a.bias_head_stride = b.size(0) == 1 ? 0 : b.strides()[0];
  a.bias_row_stride = b.size(1) == 1 ? 0 : b.strides()[1];
}

}  // namespace

void native::kv_write(const KvPagesView& to, int64_t position, const Tensor& k, const Tensor& v, int64_t row_begin,
                      int64_t row_count) {
  const Tensor& page = page_of(to, position + row_count);
  const PageLayout at(page, to.layer);
  const auto fits = [&](const Tensor& x) {
    return x.dim() == 3 && x.size(1) == page.size(2) && x.size(2) == page.size(4) && row_begin + row_count <= x.size(0);
  };
  if (position < 0 || row_begin < 0 || row_count < 0 || !fits(k) || (at.kinds == 2 && !fits(v)))
    throw ShapeError(cat("rows ", row_begin, " + ", row_count, " of ", k.shape().text(), " into cache pages ",
                         page.shape().text(), " at ", position));
  const auto heads = k.size(1), head_dim = k.size(2);
  const float* const from[] = {dense(k), at.kinds == 2 ? dense(v) : nullptr};
  for (int64_t row = 0; row < row_count; ++row) {
    float* const values = to.pages[static_cast<size_t>((position + row) / kKvPagePositions)]->values().data<float>();
    const int64_t slot = (position + row) % kKvPagePositions;
    for (int64_t kind = 0; kind < at.kinds; ++kind)
      for (int64_t h = 0; h < heads; ++h)
        std::copy_n(from[kind] + ((row_begin + row) * heads + h) * head_dim, head_dim,
                    values + at.layer + kind * at.kv + h * at.head + slot * head_dim);
  }
}

void native::kv_copy(const KvPage& from, const KvPage& to, int64_t positions) {
  const Tensor &a = from.values(), &b = to.values();
  if (a.shape() != b.shape() || positions > kKvPagePositions)
    throw ShapeError(cat(positions, " positions of a page ", a.shape().text(), " into ", b.shape().text()));
  const int64_t head = a.size(3) * a.size(4);
  const float* source = dense(a);
  float* target = dense(b);
  for (int64_t at = 0; at < a.numel(); at += head) std::copy_n(source + at, positions * a.size(4), target + at);
}

Tensor native::attention(const Tensor& q, std::span<const AttentionSequence> sequences,
                         const AttentionOptions& options) {
  if (q.dim() != 3 || q.size(2) > kernels::kHeadDimMax)
    throw ShapeError(cat("attention with queries ", q.shape().text()));
  const auto heads = q.size(1), head_dim = q.size(2);
  Tensor out = empty_f32({q.size(0), heads * head_dim});
  std::vector<kernels::Attention> work;
  work.reserve(sequences.size());
  size_t page_count = 0;
  for (const auto& s : sequences) page_count += s.cache.pages.size();
  std::vector<const float*> begins;
  begins.reserve(page_count);
  for (const auto& s : sequences) {
    auto& a = work.emplace_back(kernels::Attention{.q = dense(q) + s.row_begin * heads * head_dim,
                                                   .out = out.data<float>() + s.row_begin * heads * head_dim,
                                                   .query_count = s.row_count,
                                                   .key_count = s.key_count,
                                                   .heads = heads,
                                                   .head_dim = head_dim,
                                                   .scale = static_cast<float>(options.scale),
                                                   .causal = options.causal,
                                                   .window = options.window,
                                                   .softcap = static_cast<float>(options.softcap)});
    if (s.k.defined())
      set_tensors(s, a);
    else
      set_pages(s, a, begins);
    expect_keys(q, s, a.kv_heads, s.k.defined() ? s.k.size(2) : a.kv_stride, options.causal);
    if (s.bias.defined()) set_bias(s, a);
  }
  kernels::attention(work, ThreadPool::shared());
  return out;
}

}  // namespace hearth
