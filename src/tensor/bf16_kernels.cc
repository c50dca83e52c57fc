#include "tensor/bf16_kernels.h"

#include <algorithm>

#include "tensor/kernels/bf16_table.h"
#include "tensor/kernels/scratch.h"

namespace hearth::kernels {
namespace {

constexpr int64_t kPairRowsMin = 12;  // from so many rows on it pays to turn a weight's rows into pairs of columns
constexpr int64_t kPairBlock = 2048;  // pairs that stay in the L2 cache, 32 outputs wide
constexpr int64_t kChunkMin = 96, kChunkMax = 1020;  // rows of one piece, whole groups of twelve
constexpr int64_t kPieceBytes = 16 << 10;            // of weights, that a piece of a few rows reads at least

int64_t stride_of(const Product& p) {
  return p.y_stride > 0 ? p.y_stride : p.weight->rows();
}
const uint16_t* numbers(const PackedWeight& w) {
  return reinterpret_cast<const uint16_t*>(w.data());
}

/// Outputs [begin, end) of one weight for a few rows: sums in f32, then rounded.
void few_rows(const Product& p, const float* x, int64_t rows, int64_t begin, int64_t end) {
  static thread_local Scratch<float> scratch;
  const int64_t outs = end - begin, cols = p.weight->cols();
  float* const sums = scratch.of(rows * outs);
  kernels().bf16_rows({.weight = numbers(*p.weight) + begin * cols,
                       .outs = outs,
                       .cols = cols,
                       .x = x,
                       .x_stride = cols,
                       .rows = rows,
                       .y = sums,
                       .y_stride = outs,
                       .bias = p.bias != nullptr ? p.bias + begin : nullptr,
                       .add = false});
  const Bf16Table& k = bf16_kernels();
  for (int64_t r = 0; r < rows; ++r) {
    float* const y = p.y + r * stride_of(p) + begin;
    if (p.add)
      k.add(sums + r * outs, y, outs, y);
    else
      k.round(sums + r * outs, outs, y);
  }
}

/// One group of outputs, pairs_width of them, for a chunk of rows.
void many_rows(const Product& p, const uint16_t* x, int64_t row, int64_t rows, int64_t group) {
  static thread_local Scratch<float> turned, sums;
  const Bf16Table& k = bf16_kernels();
  const int64_t cols = p.weight->cols(), count = cols / 2, first = group * k.pairs_width;
  const int64_t outs = std::min(k.pairs_width, p.weight->rows() - first);
  float* const pairs = turned.of(std::min(count, kPairBlock) * k.pairs_width);
  float* const partial = count > kPairBlock ? sums.of(rows * k.pairs_width) : nullptr;
  for (int64_t begin = 0; begin < count; begin += kPairBlock) {
    const int64_t end = std::min(begin + kPairBlock, count);
    k.take_pairs(numbers(*p.weight) + first * cols, outs, cols, begin, end, pairs);
    k.pairs({.pairs = pairs,
             .outs = outs,
             .count = end - begin,
             .x = x + row * cols + 2 * begin,
             .x_stride = cols,
             .rows = rows,
             .partial = partial,
             .is_first = begin == 0,
             .is_last = end == count,
             .y = p.y + row * stride_of(p) + first,
             .y_stride = stride_of(p),
             .bias = p.bias != nullptr ? p.bias + first : nullptr,
             .add = p.add});
  }
}

/// fn(product, its index) for the product and the place in it that `index` of all places end to end stands for.
template <class Places, class Fn>
void at(std::span<const Product> products, int64_t index, Places&& places, Fn&& fn) {
  for (const Product& p : products) {
    const int64_t own = places(p);
    if (index < own) return fn(p, index);
    index -= own;
  }
}

}  // namespace

const Bf16Table& bf16_kernels() {
#if defined(__x86_64__)
  static const bool has_pairs = __builtin_cpu_supports("avx512bf16");
  const KernelTable* const table = &kernels();
  if (table == &kernels_avx512 && has_pairs) return bf16_avx512;
  if (table == &kernels_avx512 || table == &kernels_avx2) return bf16_avx2;
#endif
  return bf16_plain;
}

void linear_bf16(std::span<const Product> products, const float* x, int64_t rows, ThreadPool& pool) {
  if (products.empty() || rows <= 0) return;
  const int64_t cols = products[0].weight->cols();
  for (const Product& p : products)
    VERIFY(p.weight->cols() == cols && p.weight->format() == Format::bf16, "products of one input in bf16 are alike");
  const auto total = [&](auto&& places) {
    int64_t out = 0;
    for (const Product& p : products) out += places(p);
    return out;
  };
  if (rows < kPairRowsMin || cols % 2 != 0) {
    // Pieces of whole sixteens of outputs, some eight a thread, so that a thread that lost its core holds up little.
    const int64_t outs = total([](const Product& p) { return p.weight->rows(); });
    const int64_t least = kPieceBytes / (2 * cols) + 1;
    const int64_t piece = (std::max(outs / (8 * pool.threads()), least) + 15) / 16 * 16;
    const auto pieces = [piece](const Product& p) { return (p.weight->rows() + piece - 1) / piece; };
    return pool.parallel_for(total(pieces), 1, [&](int64_t begin, int64_t) {
      at(products, begin, pieces, [&](const Product& p, int64_t index) {
        few_rows(p, x, rows, index * piece, std::min((index + 1) * piece, p.weight->rows()));
      });
    });
  }
  const Bf16Table& k = bf16_kernels();
  static thread_local Scratch<uint16_t> rounded;
  uint16_t* const bits = rounded.of(rows * cols);
  pool.parallel_for(rows, 16, [&](int64_t begin, int64_t end) {
    k.to_bits(x + begin * cols, (end - begin) * cols, bits + begin * cols);
  });
  const auto groups = [&k](const Product& p) { return (p.weight->rows() + k.pairs_width - 1) / k.pairs_width; };
  const int64_t group_count = total(groups);
  const int64_t wanted = pool.threads() > 1 ? (4 * pool.threads() + group_count - 1) / group_count : 1;
  const int64_t chunk = (std::clamp((rows + wanted - 1) / wanted, kChunkMin, kChunkMax) + 11) / 12 * 12;
  const int64_t chunks = (rows + chunk - 1) / chunk;
  pool.parallel_for(group_count * chunks, 1, [&](int64_t begin, int64_t) {
    const int64_t row = begin / group_count * chunk;
    at(products, begin % group_count, groups,
       [&](const Product& p, int64_t group) { many_rows(p, bits, row, std::min(chunk, rows - row), group); });
  });
}

}  // namespace hearth::kernels
