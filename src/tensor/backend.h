// The op table: every operation of tensor/ops.h as a function pointer. `native` fills it with our own kernels, `aten`
// with libtorch; model files never know which one runs. The aten object is opened when it is asked for.
//
// Shapes: activations are [rows, width], one row a token; the tokens of several sequences lie one after another, so a
// batch of different lengths needs no padding. Operations check their shapes and throw ShapeError.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "safetensors/shards.h"
#include "tensor/kv_pages.h"
#include "tensor/linear_kernels.h"
#include "tensor/tensor.h"

namespace hearth {

/// A matrix of which a file holds no numbers but codes and what they mean: made into numbers when a module asks for it,
/// so that no model is in memory twice while it is loaded. Immutable.
class EncodedMatrix {
 public:
  virtual ~EncodedMatrix() = default;
  /// Of the source's type and shape. bad_input, without the tensor's name, where the stored parts contradict each
  /// other.
  virtual Result<std::shared_ptr<const std::vector<std::byte>>> decode() const = 0;
};

/// A stored array as a checkpoint has it, on its way into a backend.
struct WeightSource {
  std::string name;                   ///< the checkpoint's, for messages
  DType dtype = DType::f32;           ///< any that the file can have, block types included
  Shape shape;                        ///< row-major, Hugging Face's order
  std::span<const std::byte> data;    ///< kept alive by `owner`
  std::shared_ptr<const void> owner;  ///< the mapped file, or a buffer made while loading
  /// Where it was read from: may be asked to give the memory of `data` back. Null: not from a file.
  std::shared_ptr<const Weights> file = {};
  /// If any, `data` is empty until it is decoded, and `shape` is [outputs, inputs] even where the model's own files are
  /// transposed.
  std::shared_ptr<const EncodedMatrix> encoded = {};

  /// The numbers are those of a buffer from now on; the file's are not read again.
  void take(std::shared_ptr<const std::vector<std::byte>> buffer) {
    if (file) file->forget(data);
    data = *buffer;
    owner = std::move(buffer);
    file.reset();
  }
};

/// How weights enter the arithmetic.
struct WeightOptions {
  Numerics numerics = Numerics::exact;
  DType dtype = DType::f32;  ///< of the arithmetic: f32, or bf16: every result rounded to bf16
  /// Matrices of plain numbers that are multiplied with are rounded to this block type first, where its blocks fit.
  std::optional<DType> quantize = {};
  /// Each matrix is read by one pass, or by few that are far apart: what a product borrowed from a file leaves this
  /// process's memory after it.
  bool read_once = false;
};

/// A matrix [outputs, inputs] in a backend's own layout; immutable.
class Weight {
 public:
  Weight(const Backend* backend, int64_t rows, int64_t cols) : backend_(backend), rows_(rows), cols_(cols) {}
  virtual ~Weight() = default;
  const Backend& backend() const { return *backend_; }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  /// Bytes that one product with a single row reads.
  virtual int64_t size_bytes() const = 0;

 private:
  const Backend* backend_;
  int64_t rows_, cols_;
};

/// y = x W^T (+ bias). What `Linear` holds.
struct LinearWeight {
  std::shared_ptr<const Weight> weight;
  Tensor bias;  ///< [outputs], or undefined
};

/// What a normalization holds. RMS: x * rsqrt(mean(x^2) + eps), times the weight. Layer: (x - mean) * rsqrt(variance +
/// eps), times the weight, plus the bias.
struct NormWeight {
  Tensor weight;  ///< [width]
  double eps = 1e-6;
  Tensor bias = {};  ///< [width] or undefined; layer normalization alone has it
};

/// What several products read: x, or its RMS norm.
struct LinearInput {
  const Tensor& x;
  const NormWeight* norm = nullptr;
};

/// One layer of a cache's pages, of which the first hold the positions from 0 on. The cache owns them.
struct KvPagesView {
  std::span<const std::shared_ptr<KvPage>> pages = {};
  int64_t layer = 0;
};

/// One sequence of a batch: its rows of q, and all its keys and values, the new ones included, in tensors or in pages.
/// Row t stands at position key_count - row_count + t.
struct AttentionSequence {
  int64_t row_begin = 0, row_count = 0;  ///< rows of q
  Tensor k, v;  ///< [kv_heads, capacity, head_dim], of which the first `key_count` positions are used; strides are free
                ///< but for the last dimension, which is dense. Undefined: they lie in `cache`
  int64_t key_count = 0;
  /// [heads or 1, row_count or 1, key_count] or undefined: added to the scores; a 1 stands for all. Strides are free
  /// but for the last dimension, which is dense.
  Tensor bias = {};
  KvPagesView cache = {};
};

/// score = softcap(q k^T * scale) + bias, softmax over the keys that a row sees.
struct AttentionOptions {
  bool causal = true;  ///< a row sees no key after its own position
  double scale = 0;    ///< 0: 1 / sqrt(head_dim)
  int64_t window = 0;  ///< above 0: a row sees keys less than `window` positions away, on either side unless causal
  double softcap = 0;  ///< above 0: tanh(s / softcap) * softcap
};

/// `hidden_act` of a configuration. gelu: erf; gelu_new and gelu_pytorch_tanh: the tanh formula; relu2: relu(x)^2.
/// Source: transformers 5.23.0 activations.py.
enum class Activation { silu, gelu, gelu_tanh, quick_gelu, relu, relu2, tanh, sigmoid, mish };

struct Backend {
  std::string_view name;

  /// Uninitialized.
  Tensor (*empty)(const Shape& shape, DType dtype);
  /// A copy of dense numbers from this machine's memory.
  Tensor (*from_host)(std::span<const float> values, const Shape& shape);
  /// The numbers, dense, as f32; out.size() == x.numel().
  void (*to_host)(const Tensor& x, std::span<float> out);
  /// A stored vector or scalar as f32 (or rounded to options.dtype): norms, biases. bad_input names the tensor.
  Result<Tensor> (*tensor)(const WeightSource& source, const WeightOptions& options);
  /// A stored matrix, ready for products. Borrows `source.data` where it can and then keeps `source.owner`.
  Result<std::shared_ptr<const Weight>> (*weight)(const WeightSource& source, const WeightOptions& options);

  /// [ids.size(), weight.cols]: rows of the matrix. ShapeError on an id outside it.
  Tensor (*embedding)(const Weight& weight, std::span<const int32_t> ids);
  /// All products of one input at once; each [x rows, outputs].
  std::vector<Tensor> (*linear)(const LinearInput& input, std::span<const LinearWeight* const> weights);
  /// linear(x) + residual; may reuse the residual's storage when nobody else holds it.
  Tensor (*linear_add)(const Tensor& x, const LinearWeight& weight, Tensor residual);
  /// x + down(act(gate(norm(x))) * up(norm(x))); may reuse x's storage when nobody else holds it.
  Tensor (*gated_mlp)(Tensor x, const NormWeight& norm, Activation act, const LinearWeight& gate,
                      const LinearWeight& up, const LinearWeight& down);

  Tensor (*rms_norm)(const Tensor& x, const NormWeight& norm);    ///< over the last dimension
  Tensor (*layer_norm)(const Tensor& x, const NormWeight& norm);  ///< over the last dimension
  Tensor (*activation)(Tensor x, Activation act);                 ///< may work in place
  Tensor (*add)(const Tensor& a, const Tensor& b);                ///< equal shapes
  Tensor (*mul)(const Tensor& a, const Tensor& b);                ///< equal shapes
  Tensor (*scale)(const Tensor& x, double factor);
  Tensor (*softmax)(const Tensor& x);  ///< over the last dimension, f32
  /// Rows of x [rows, width], in the order given.
  Tensor (*index_select)(const Tensor& x, std::span<const int64_t> rows);
  /// out[rows[i]] += factors[i] * x[i]; x: [rows.size(), width]. May work in place.
  Tensor (*index_add)(Tensor out, std::span<const int64_t> rows, const Tensor& x, std::span<const float> factors);
  /// The tensors one after another along a dimension.
  Tensor (*cat)(std::span<const Tensor> tensors, int64_t dimension);
  /// The same numbers, dense.
  Tensor (*contiguous)(const Tensor& x);
  /// a b^T, matrix by matrix. a: [batch, m, k], b: [batch, n, k] -> [batch, m, n]
  Tensor (*matmul_nt)(const Tensor& a, const Tensor& b);
  /// out[b, i, j] = x[b, i, index[i, j]]. x: [batch, rows, n]; index: `columns` a row -> [batch, rows, columns].
  Tensor (*gather)(const Tensor& x, std::span<const int32_t> index, int64_t columns);
  /// x: [rows, heads, head_dim]; cos, sin: [rows, rotated / 2]. The first `rotated` values of each head turn, halves
  /// paired (i, i + rotated / 2); the rest stays. May work in place.
  Tensor (*rope)(Tensor x, const Tensor& cos, const Tensor& sin);
  /// Copies rows `row_begin` .. + `row_count` of k and v [rows, kv_heads, head_dim] into one layer's pages from
  /// `position` on. v is not looked at where values are keys.
  void (*kv_write)(const KvPagesView& to, int64_t position, const Tensor& k, const Tensor& v, int64_t row_begin,
                   int64_t row_count);
  /// Copies the first `positions` positions of all layers from page to page.
  void (*kv_copy)(const KvPage& from, const KvPage& to, int64_t positions);
  /// q: [rows, heads, head_dim] -> [rows, heads * head_dim]; head h reads kv head h / (heads / kv_heads).
  Tensor (*attention)(const Tensor& q, std::span<const AttentionSequence> sequences, const AttentionOptions& options);
};

/// Our own kernels; always there. Arithmetic in f32.
const Backend& native_backend();
/// The same in bf16. Its tensors keep numbers of that type in f32.
const Backend& native_bf16_backend();
/// "native", of which there is one for each type of arithmetic, or "aten". bad_input on another name; unavailable, with
/// the reason, when libtorch's object cannot be opened.
Result<const Backend*> backend_by_name(std::string_view name, DType arithmetic = DType::f32);

}  // namespace hearth
