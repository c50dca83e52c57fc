// The native backend's hot loops: products with packed weights, attention, normalization, rotary positions, SwiGLU.
// Sources: dot products of 8-bit integers as in llama.cpp's Q8_0/Q4_1 (ggml-quants.c); Intel SDM, VPDPBUSD;
// attention with a running maximum: Milakov and Gimelshein, arXiv:1805.02867.
//
// Everything here works on plain row-major f32 arrays, chooses AVX-512 (VNNI), AVX2 or plain code once at run time, and
// spreads over a ThreadPool. Shapes are the caller's duty and checked with VERIFY.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "tensor/threads.h"

namespace hearth {

enum class DType : uint8_t;

/// exact: weights enter the product as their dequantized f32 values, all arithmetic is f32.
/// fast: activations are rounded to 8 bits per row and block of 32 columns; only block formats differ from exact.
///
/// Bound of fast against exact, per output o and activation row x, with W the dequantized weight:
///   |y_fast[o] - y_exact[o]| <= sum over blocks b of  max|x_b| / 254 * sum over i in b of |W[o,i]|
/// plus f32 rounding (1e-5 of sum |W[o,i] x_i|). Errors are independent roundings, so typically it is 0.3 to 0.5 % of
/// the root mean square of y.
enum class Numerics { exact, fast };

namespace kernels {

enum class Curve;            // kernels/kernel_table.h
enum class Panel : uint8_t;  // kernels/panel_layout.h

/// Instruction sets in rising order; each has every kernel, with equal integers and f32 sums in another order.
enum class Isa { plain, neon, avx2, avx512 };
/// The best one this processor has, or HEARTH_ISA (plain, neon, avx2, avx512) if that is lower. Chosen once.
Isa best_isa();
/// Makes every later call use `isa` (tests and benches); VERIFYs that the processor has it.
void force_isa(Isa isa);
std::string_view name(Isa isa);

/// How a PackedWeight is laid out. f32, f16, bf16: as in the file, borrowed, never copied. panels: blocks of 16 rows by
/// 32 columns, one layout a type, of about the file's size (kernels/panel_layout.h).
enum class Format : uint8_t { f32, f16, bf16, panels };

/// Weights as whole numbers with a scale and a zero for each group of columns of a row, as GPTQ, AWQ and HQQ have them:
/// w = scale * (code - zero), each step rounded to f32.
struct CodedMatrix {
  int64_t rows = 0, cols = 0;
  int bits = 4;                    ///< 4 or 8
  int64_t group = 0;               ///< columns of a group, a multiple of 32; the last one of a row may be shorter
  std::span<const uint8_t> codes;  ///< [rows, cols], one a byte, below 2^bits
  std::span<const float> scales;   ///< [rows, groups]
  std::span<const float> zeros;    ///< [rows, groups]
};

/// A weight matrix [rows = outputs, cols = inputs], ready for products. Movable; immutable, so shared by threads
/// freely.
class PackedWeight {
 public:
  PackedWeight() = default;
  PackedWeight(PackedWeight&& other) noexcept;
  PackedWeight& operator=(PackedWeight&& other) noexcept;
  ~PackedWeight();

  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  Format format() const { return format_; }
  Panel panel() const { return panel_; }    ///< of format panels
  int64_t group() const { return group_; }  ///< of format panels: blocks that share a header
  Numerics numerics() const { return numerics_; }
  /// Bytes that a product with one row reads.
  int64_t size_bytes() const { return size_bytes_; }
  const std::byte* data() const { return data_; }
  bool empty() const { return rows_ == 0; }

 private:
  friend Result<PackedWeight> pack(DType source, std::span<const std::byte> data, int64_t rows, int64_t cols,
                                   Numerics numerics, ThreadPool& pool);
  friend Result<PackedWeight> pack_codes(const CodedMatrix& source, Numerics numerics, ThreadPool& pool);
  /// Zeros, to be filled.
  static Result<PackedWeight> of_panels(Panel panel, int64_t rows, int64_t cols, int64_t group, Numerics numerics);
  void release();
  int64_t rows_ = 0, cols_ = 0, group_ = 1, size_bytes_ = 0, mapped_bytes_ = 0;
  const std::byte* data_ = nullptr;  // ours when mapped_bytes_ > 0, else the caller's
  Format format_ = Format::f32;
  Panel panel_ = {};
  Numerics numerics_ = Numerics::exact;
};

/// True for the types that `pack` takes: f32, f16, bf16, and GGML's blocks Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K,
/// IQ4_NL, IQ4_XS and MXFP4.
bool can_pack(DType source);
/// Packs `rows` x `cols` values laid out as in the file. f32, f16 and bf16 are borrowed: `data` must outlive the
/// result. Blocks are laid out in panels, in parallel, and need `cols` to be whole blocks (32 or 256). Errors: a type
/// it cannot pack, a size that does not fit the shape.
Result<PackedWeight> pack(DType source, std::span<const std::byte> data, int64_t rows, int64_t cols, Numerics numerics,
                          ThreadPool& pool);
/// The same for whole numbers of 4 or 8 bits, which stay that small. `cols` is a multiple of 32. A code above its bits
/// is cut to them. Errors: a shape that the spans do not fit.
Result<PackedWeight> pack_codes(const CodedMatrix& source, Numerics numerics, ThreadPool& pool);
/// f32 values of any array of a type that `pack` takes, bit for bit as the gguf package has them. `out.size()`
/// elements.
Status dequantize(DType source, std::span<const std::byte> data, std::span<float> out);

/// One row of a weight, bit for bit as `dequantize` has it: the embedding of token `row`. out: cols values.
void embedding_row(const PackedWeight& weight, int64_t row, float* out);

/// What enters a product, [rows, cols], each row `stride` floats apart (0: dense). At most one of these is applied
/// while the row is read: RMS norm with `norm_weight`, or SwiGLU: the input is silu(x) * up.
struct Input {
  const float* x = nullptr;
  int64_t rows = 1;
  int64_t stride = 0;
  const float* norm_weight = nullptr;
  float norm_eps = 1e-5f;
  const float* up = nullptr;
  int64_t up_stride = 0;
};

/// One product of several that share their input: y[r, o] = sum over i of W[o, i] input[r, i] (+ bias[o]) (+ y[r, o]).
struct Product {
  const PackedWeight* weight = nullptr;
  float* y = nullptr;
  int64_t y_stride = 0;         ///< 0: dense
  const float* bias = nullptr;  ///< rows() of the weight, or none
  bool add = false;             ///< adds to what y holds: the residual
};

/// All products of one input in one parallel loop: Q, K and V; gate and up. Weights may differ in format and rows, not
/// in cols. Any number of rows: one, a batch, a whole prompt.
void linear(std::span<const Product> products, const Input& input, ThreadPool& pool);
/// y = x W^T; x: [rows, W.cols], y: [rows, W.rows], dense.
void linear(const PackedWeight& weight, const float* x, int64_t rows, float* y, ThreadPool& pool);

/// Queries of one sequence against its cache. Query t stands at position key_count - query_count + t; when causal it
/// sees no key after that.
struct Attention {
  const float* q = nullptr;  ///< [query_count, heads, head_dim], rows q_stride apart
  const float* k = nullptr;  ///< key p of head h: k + h * kv_head_stride + p * kv_stride
  const float* v = nullptr;  ///< as k
  /// In place of k and v, or null: where the pages of kKeyTile keys begin, one after another. Key p of head h lies at
  /// pages[p / kKeyTile] + page_k + h * kv_head_stride + p % kKeyTile * kv_stride, its value likewise behind page_v.
  const float* const* pages = nullptr;
  int64_t page_k = 0, page_v = 0;
  float* out = nullptr;  ///< [query_count, heads, head_dim], rows out_stride apart
  int64_t query_count = 1, key_count = 1;
  int64_t heads = 1,
          kv_heads = 1;   ///< heads is a multiple of kv_heads; query head h reads kv head h / (heads / kv_heads)
  int64_t head_dim = 64;  ///< at most 256
  int64_t q_stride = 0, out_stride = 0;  ///< 0: heads * head_dim
  int64_t kv_stride = 0;                 ///< 0: head_dim
  int64_t kv_head_stride = 0;            ///< 0: key_count * kv_stride
  float scale = 0;                       ///< 0: 1 / sqrt(head_dim)
  bool causal = true;
  int64_t window = 0;           ///< above 0: only keys less than `window` positions away
  float softcap = 0;            ///< above 0: scores become tanh(s / softcap) * softcap
  const float* bias = nullptr;  ///< added to the score of query t, head h, key p: bias[h, t, p], or none
  int64_t bias_head_stride = 0, bias_row_stride = 0;
};
/// All sequences of a batch in one parallel loop. f32 throughout in both numerics.
void attention(std::span<const Attention> sequences, ThreadPool& pool);

/// out = x / sqrt(mean(x^2) + eps) * weight, each of `rows` rows of `cols`. May work in place.
void rms_norm(const float* x, const float* weight, float eps, int64_t rows, int64_t cols, float* out);
/// out = (x - mean) / sqrt(variance + eps) * weight (+ bias), of one row.
void layer_norm(const float* x, const float* weight, const float* bias, float eps, int64_t cols, float* out);
/// out[i, j] = sum over c of a[i, c] b[j, c]; a: [m, k], b: [n, k], out: [m, n], dense. One thread.
void matmul_nt(const float* a, const float* b, int64_t m, int64_t n, int64_t k, float* out);
/// Rotates `heads` vectors of `head_dim` in place, halves paired as transformers does (x1, x2 = halves; x1 c - x2 s,
/// x2 c + x1 s). cos, sin: head_dim / 2 values of this position.
void rope(float* x, int64_t heads, int64_t head_dim, const float* cos, const float* sin);
/// out[i] = the curve at x[i], within 4e-7 of max(1, |x[i]|). May work in place. One thread.
void curve(Curve which, const float* x, int64_t count, float* out);
/// The index of the largest value, the first of equals; some index where there is a NaN. One thread.
int64_t argmax(const float* x, int64_t count);
/// out[i] = silu(gate[i]) * up[i]; relative error of silu under 1e-6. May work in place.
void silu_mul(const float* gate, const float* up, int64_t count, float* out);

}  // namespace kernels
}  // namespace hearth
