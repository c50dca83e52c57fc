#include "tensor/linear_kernels.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "tensor/kernels/kernel_table.h"
#include "tensor/kernels/scratch.h"
#include "tensor/quant/bits.h"
#include "tensor/quant/panels.h"

namespace hearth::kernels {
namespace {

// Activation rows of one tile: with 1,536 columns of them they stay in the L2 cache; a multiple of all groups of rows.
constexpr int64_t kRowChunk = 120;
// Of float weights taken by columns: from so many rows on it pays to turn a weight's rows into columns; longer chunks
// pay it less often; a block of so many columns stays in the L2 cache.
constexpr int64_t kColumnRowsMin = 12, kColumnChunkMin = 96, kColumnChunkMax = 1024, kColumnBlock = 1536;
// Of panels in exact numerics: so many columns stay in the L1 cache.
constexpr int64_t kPanelColumnBlock = 256;

bool has(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (isa == Isa::avx512)
    return has(Isa::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__)
  if (isa == Isa::neon) return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0 && (getauxval(AT_HWCAP) & HWCAP_ASIMDHP) != 0;
#endif
  return isa == Isa::plain;
}

Isa choose() {
  const char* wish = std::getenv("HEARTH_ISA");
  for (const Isa isa : {Isa::avx512, Isa::avx2, Isa::neon}) {
    if (wish != nullptr && std::string_view(wish) != name(isa)) {
      if (std::string_view(wish) == name(Isa::plain) || isa == Isa::avx512) continue;
    }
    if (has(isa)) return isa;
  }
  return Isa::plain;
}

std::atomic<const KernelTable*> forced{nullptr};

const KernelTable& table_of(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx512) return kernels_avx512;
  if (isa == Isa::avx2) return kernels_avx2;
#elif defined(__aarch64__)
  if (isa == Isa::neon) return kernels_neon;
#endif
  return kernels_plain;
}

/// Products whose weights become columns of floats first, in pieces that stay in a cache. take(out, outs, begin, end,
/// columns): columns [begin, end) of `outs` outputs from `out` on.
template <class Take>
void work_columns(const KernelTable& k, const RowsWork& t, int64_t column_block, const Take& take) {
  static thread_local Scratch<float> scratch;
  float* const columns = scratch.of(std::min(t.cols, column_block) * k.column_width);
  for (int64_t out = 0; out < t.outs; out += k.column_width)
    for (int64_t begin = 0; begin < t.cols; begin += column_block) {
      const int64_t end = std::min(begin + column_block, t.cols), outs = std::min(k.column_width, t.outs - out);
      take(out, outs, begin, end, columns);
      k.columns({.columns = columns,
                 .outs = outs,
                 .cols = end - begin,
                 .x = t.x + begin,
                 .x_stride = t.x_stride,
                 .rows = t.rows,
                 .y = t.y + out,
                 .y_stride = t.y_stride,
                 .bias = t.bias != nullptr && begin == 0 ? t.bias + out : nullptr,
                 .add = t.add || begin > 0});
    }
}

bool is_fast(const PackedWeight& w) {
  return w.numerics() == Numerics::fast && w.format() == Format::panels;
}

PanelsView view_of(const PackedWeight& w, int64_t panel) {
  const int64_t blocks = w.cols() / kBlock;
  const int64_t panel_bytes = layout_of(w.panel()).panel_bytes(blocks, w.group());
  return {.first = reinterpret_cast<const uint8_t*>(w.data()) + panel * panel_bytes,
          .panel_bytes = panel_bytes,
          .blocks = blocks,
          .group = w.group(),
          .table = table_of(w.panel())};
}

void work_panels(const KernelTable& k, const Product& product, const ActivationBlock* activations, const float* x,
                 int64_t x_stride, int64_t row, int64_t rows, int64_t panel, int64_t panels) {
  const PackedWeight& w = *product.weight;
  const int64_t first = panel * kPanelRows, outs = std::min(panels * kPanelRows, w.rows() - first);
  const int64_t y_stride = product.y_stride > 0 ? product.y_stride : w.rows();
  float* const y = product.y + row * y_stride + first;
  const float* const bias = product.bias != nullptr ? product.bias + first : nullptr;
  if (w.format() == Format::panels && (is_fast(w) || rows < kColumnRowsMin)) {
    const auto& layout = k.panels[static_cast<int>(w.panel())];
    return (is_fast(w) ? layout.fast : layout.exact)(
        {.panels = view_of(w, panel),
         .panel_count = panels,
         .outs = outs,
         .activations = activations != nullptr ? activations + row * (w.cols() / kBlock) : nullptr,
         .x = x + row * x_stride,
         .x_stride = x_stride,
         .rows = rows,
         .y = y,
         .y_stride = y_stride,
         .bias = bias,
         .add = product.add});
  }
  const int64_t element = w.format() == Format::f32 ? 4 : 2;
  const RowsWork work{.weight = w.format() == Format::panels ? nullptr : w.data() + first * w.cols() * element,
                      .outs = outs,
                      .cols = w.cols(),
                      .x = x + row * x_stride,
                      .x_stride = x_stride,
                      .rows = rows,
                      .y = y,
                      .y_stride = y_stride,
                      .bias = bias,
                      .add = product.add};
  if (w.format() == Format::panels) {
    const auto take = k.panels[static_cast<int>(w.panel())].columns;
    return work_columns(
        k, work, kPanelColumnBlock, [&](int64_t out, int64_t count, int64_t begin, int64_t end, float* columns) {
          const int64_t here = (count + kPanelRows - 1) / kPanelRows;
          if (here * kPanelRows < k.column_width) std::fill_n(columns, (end - begin) * k.column_width, 0.0f);
          take(view_of(w, panel + out / kPanelRows), here, begin / kBlock, end / kBlock, columns, k.column_width);
        });
  }
  if (rows >= kColumnRowsMin) {
    const auto take = w.format() == Format::f32   ? k.f32_columns
                      : w.format() == Format::f16 ? k.f16_columns
                                                  : k.bf16_columns;
    return work_columns(k, work, kColumnBlock,
                        [&](int64_t out, int64_t count, int64_t begin, int64_t end, float* columns) {
                          take(static_cast<const std::byte*>(work.weight) + out * w.cols() * element, count, w.cols(),
                               begin, end, columns);
                        });
  }
  if (w.format() == Format::f32) k.f32_rows(work);
  if (w.format() == Format::f16) k.f16_rows(work);
  if (w.format() == Format::bf16) k.bf16_rows(work);
}

/// Rows of a chunk: as many as give each thread some four pieces.
int64_t column_chunk(int64_t rows, int64_t panels, int64_t width, int threads) {
  const int64_t groups = std::max<int64_t>(1, panels * kPanelRows / width);
  const int64_t wanted = threads > 1 ? (4 * threads + groups - 1) / groups : 1;
  const int64_t chunk = std::clamp((rows + wanted - 1) / wanted, kColumnChunkMin, kColumnChunkMax);
  return (chunk + 11) / 12 * 12;
}

}  // namespace

std::string_view name(Isa isa) {
  switch (isa) {
    case Isa::avx512:
      return "avx512";
    case Isa::avx2:
      return "avx2";
    case Isa::neon:
      return "neon";
    default:
      return "plain";
  }
}

Isa best_isa() {
  static const Isa best = choose();
  return best;
}

void force_isa(Isa isa) {
  VERIFY(has(isa), "a forced instruction set is one that the processor has");
  forced = &table_of(isa);
}

const KernelTable& kernels() {
  const KernelTable* table = forced.load(std::memory_order_relaxed);
  if (table == nullptr) {
    table = &table_of(best_isa());
    forced = table;
  }
  return *table;
}

void linear(std::span<const Product> products, const Input& input, ThreadPool& pool) {
  if (products.empty() || input.rows <= 0) return;
  const KernelTable& k = kernels();
  const int64_t cols = products[0].weight->cols(), rows = input.rows;
  const int64_t stride = input.stride > 0 ? input.stride : cols;
  bool any_fast = false, any_columns = false, all_float = true;
  int64_t panels = 0, bytes = 0;
  for (const Product& p : products) {
    VERIFY(p.weight->cols() == cols, "products of one input have one number of columns");
    any_fast = any_fast || is_fast(*p.weight);
    any_columns =
        any_columns || (p.weight->format() == Format::panels && !is_fast(*p.weight) && rows >= kColumnRowsMin);
    all_float = all_float && p.weight->format() != Format::panels;
    panels += (p.weight->rows() + kPanelRows - 1) / kPanelRows;
    bytes += p.weight->size_bytes();
  }
  VERIFY(input.norm_weight == nullptr || input.up == nullptr, "an input is normalized or gated, not both");

  // The input as the products want it: transformed f32 rows, 8-bit blocks, or both.
  const bool transform = input.norm_weight != nullptr || input.up != nullptr;
  const int64_t blocks = cols / kBlock;
  static thread_local Scratch<float> changed;
  static thread_local Scratch<ActivationBlock> rounded;
  float* const x = transform ? changed.of(rows * cols) : nullptr;
  ActivationBlock* const activations = any_fast ? rounded.of(rows * blocks) : nullptr;
  if (transform || any_fast)
    pool.parallel_for(rows, 8, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const float* from = input.x + r * stride;
        if (input.norm_weight != nullptr) k.rms_norm(from, input.norm_weight, input.norm_eps, cols, x + r * cols);
        if (input.up != nullptr)
          k.silu_mul(from, input.up + r * (input.up_stride > 0 ? input.up_stride : cols), cols, x + r * cols);
        if (any_fast) k.quantize(transform ? x + r * cols : from, blocks, activations + r * blocks);
      }
    });
  const float* const source = transform ? x : input.x;
  const int64_t source_stride = transform ? cols : stride;

  // Pieces: panels of all products end to end, for one chunk of rows after the other. A piece reads at least 16 KiB of
  // weights, and there are some eight a thread, so that a thread that lost its core holds up little.
  const bool by_columns = all_float && rows >= kColumnRowsMin;
  const int64_t row_chunk = by_columns ? column_chunk(rows, panels, k.column_width, pool.threads()) : kRowChunk;
  const int64_t chunks = (rows + row_chunk - 1) / row_chunk;
  const int64_t panel_bytes = std::max<int64_t>(1, bytes / panels);
  const int64_t wanted = std::max<int64_t>(1, panels * chunks / (8 * pool.threads()));
  const int64_t together = by_columns || any_columns ? k.column_width / kPanelRows : 1;  // panels that share one pass
  const int64_t least = rows == 1 ? std::max(wanted, (16 << 10) / panel_bytes + 1) : wanted;
  const int64_t grain = (least + together - 1) / together * together;
  pool.parallel_for(panels * chunks, grain, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t chunk = begin / panels;
      int64_t panel = begin % panels, count = std::min(end - begin, panels - panel);
      begin += count;
      const int64_t row = chunk * row_chunk, row_count = std::min(row_chunk, rows - row);
      for (const Product& p : products) {
        const int64_t own = (p.weight->rows() + kPanelRows - 1) / kPanelRows;
        const int64_t here = std::min(count, own - panel);
        if (here > 0) {
          work_panels(k, p, activations, source, source_stride, row, row_count, panel, here);
          count -= here;
          panel = 0;
          if (count == 0) break;
        } else {
          panel -= own;
        }
      }
    }
  });
}

void linear(const PackedWeight& weight, const float* x, int64_t rows, float* y, ThreadPool& pool) {
  const Product product{.weight = &weight, .y = y};
  linear({&product, 1}, {.x = x, .rows = rows}, pool);
}

void embedding_row(const PackedWeight& weight, int64_t row, float* out) {
  VERIFY(row >= 0 && row < weight.rows(), "an embedding's row is inside its table");
  const int64_t cols = weight.cols();
  const std::byte* data = weight.data();
  switch (weight.format()) {
    case Format::f32:
      std::memcpy(out, data + row * cols * 4, static_cast<size_t>(cols) * 4);
      return;
    case Format::f16:
      for (int64_t i = 0; i < cols; ++i) out[i] = half_to_float(half_at(data + (row * cols + i) * 2));
      return;
    case Format::bf16:
      for (int64_t i = 0; i < cols; ++i) out[i] = brain_to_float(half_at(data + (row * cols + i) * 2));
      return;
    case Format::panels:
      break;
  }
  const auto take = kernels().panels[static_cast<int>(weight.panel())].columns;
  const auto view = view_of(weight, row / kPanelRows);
  float columns[kBlock * kPanelRows];
  for (int64_t b = 0; b < view.blocks; ++b, out += kBlock) {
    take(view, 1, b, b + 1, columns, kPanelRows);
    for (int64_t i = 0; i < kBlock; ++i) out[i] = columns[i * kPanelRows + row % kPanelRows];
  }
}

void rms_norm(const float* x, const float* weight, float eps, int64_t rows, int64_t cols, float* out) {
  for (int64_t r = 0; r < rows; ++r) kernels().rms_norm(x + r * cols, weight, eps, cols, out + r * cols);
}
void layer_norm(const float* x, const float* weight, const float* bias, float eps, int64_t cols, float* out) {
  kernels().layer_norm(x, weight, bias, eps, cols, out);
}
void matmul_nt(const float* a, const float* b, int64_t m, int64_t n, int64_t k, float* out) {
  kernels().f32_rows({.weight = b,
                      .outs = n,
                      .cols = k,
                      .x = a,
                      .x_stride = k,
                      .rows = m,
                      .y = out,
                      .y_stride = n,
                      .bias = nullptr,
                      .add = false});
}
void rope(float* x, int64_t heads, int64_t head_dim, const float* cos, const float* sin) {
  kernels().rope(x, heads, head_dim, cos, sin);
}
void curve(Curve which, const float* x, int64_t count, float* out) {
  kernels().curve(which, x, count, out);
}
int64_t argmax(const float* x, int64_t count) {
  return kernels().argmax(x, count);
}

void silu_mul(const float* gate, const float* up, int64_t count, float* out) {
  kernels().silu_mul(gate, up, count, out);
}

}  // namespace hearth::kernels
