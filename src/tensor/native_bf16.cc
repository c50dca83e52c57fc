// The native backend in bf16 arithmetic: every result is rounded to bf16 where PyTorch rounds it, and kept in f32.
// A tensor's backend says its type: this one's hold numbers of type bf16; native_backend()'s are f32, as from_host and
// softmax make them, and what is computed with one of those is f32 again.
// Source: transformers 5.23.0 modeling files under torch.bfloat16; PyTorch's type promotion.
#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "tensor/bf16_kernels.h"
#include "tensor/half.h"
#include "tensor/kernels/bf16_table.h"
#include "tensor/native_ops.h"

namespace hearth {
namespace {

using native::dense;
using native::own;

ThreadPool& pool() {
  return ThreadPool::shared();
}
const Backend& f32() {
  return native_backend();
}
bool is_f32(const Tensor& x) {
  return &x.backend() == &f32();
}

/// The same numbers, which are of type bf16 already.
Tensor tagged(const Tensor& x) {
  return {&native_bf16_backend(), x.storage(), x.dtype(), x.shape(), x.strides(), x.offset()};
}

/// Rounds a dense tensor in place that nobody else sees.
Tensor rounded(Tensor x) {
  float* const values = dense(x);
  const auto& k = kernels::bf16_kernels();
  pool().parallel_for(x.numel(), 1 << 14,
                      [&](int64_t begin, int64_t end) { k.round(values + begin, end - begin, values + begin); });
  return tagged(x);
}

Tensor empty(const Shape& shape, DType dtype) {
  return tagged(f32().empty(shape, dtype == DType::bf16 ? DType::f32 : dtype));
}

Result<Tensor> tensor(const WeightSource& source, const WeightOptions& options) {
  auto plain = options;
  plain.dtype = DType::f32;
  return rounded(TRY(f32().tensor(source, plain)));
}

/// The matrix as bits of bf16, row by row; the file's own where it has them.
Result<WeightSource> as_bf16(const WeightSource& source) {
  if (source.dtype == DType::bf16 || source.shape.size() != 2) return source;
  const auto rows = static_cast<size_t>(source.shape[0]), cols = static_cast<size_t>(source.shape[1]);
  const auto row_bytes = rows > 0 ? source.data.size() / rows : 0;
  auto buffer = std::make_shared<std::vector<std::byte>>(rows * cols * 2);
  std::vector<float> row(cols);
  const auto& k = kernels::bf16_kernels();
  for (size_t r = 0; r < rows; ++r) {
    auto status = kernels::dequantize(source.dtype, source.data.subspan(r * row_bytes, row_bytes), row);
    if (!status.ok()) return std::move(status).with(source.name);
    k.to_bits(row.data(), static_cast<int64_t>(cols), reinterpret_cast<uint16_t*>(buffer->data()) + r * cols);
  }
  auto out = source;
  out.dtype = DType::bf16;
  out.take(std::move(buffer));
  return out;
}

Result<std::shared_ptr<const Weight>> weight(const WeightSource& source, const WeightOptions& options) {
  if (options.numerics == Numerics::fast)
    return Status(Code::unsupported, "fast numerics compute with 8-bit integers, not in bf16: leave --dtype out");
  return native::packed_weight(native_bf16_backend(), TRY(as_bf16(source)), options);
}

Tensor embedding(const Weight& matrix, std::span<const int32_t> ids) {
  return tagged(f32().embedding(matrix, ids));
}

// ---- products ----

Tensor norm(const Tensor& x, const NormWeight& norm) {
  const int64_t width = x.size(-1);
  if (width != norm.weight.numel())
    throw ShapeError(cat("rms_norm of ", x.shape().text(), " by ", norm.weight.numel(), " values"));
  Tensor out = empty(x.shape(), DType::f32);
  const float *from = dense(x), *weight = dense(norm.weight);
  float* const to = dense(out);
  const bool weight_is_f32 = is_f32(norm.weight);
  const auto& k = kernels::bf16_kernels();
  pool().parallel_for(x.numel() / width, 16, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      k.rms_norm(from + r * width, weight, weight_is_f32, static_cast<float>(norm.eps), width, to + r * width);
  });
  return out;
}

void products(const Tensor& x, std::span<const kernels::Product> all, std::span<const LinearWeight* const> weights) {
  kernels::linear_bf16(all, dense(x), x.size(0), pool());
  for (const auto* w : weights) native::was_read(*w->weight);
}

std::vector<Tensor> linear(const LinearInput& input, std::span<const LinearWeight* const> weights) {
  const Tensor x = input.norm ? norm(input.x, *input.norm) : input.x;
  std::vector<Tensor> out;
  std::vector<kernels::Product> all;
  for (const auto* w : weights) {
    native::expect_matrix(x, w->weight->cols(), "linear");
    out.push_back(empty({x.size(0), w->weight->rows()}, DType::f32));
    all.push_back(native::product_of(*w, dense(out.back())));
  }
  products(x, all, weights);
  return out;
}

Tensor linear_add(const Tensor& x, const LinearWeight& w, Tensor residual) {
  native::expect_matrix(x, w.weight->cols(), "linear");
  if (residual.shape() != Shape{x.size(0), w.weight->rows()})
    throw ShapeError(cat("a residual ", residual.shape().text(), " for ", w.weight->rows(), " outputs"));
  Tensor out = tagged(own(std::move(residual)));
  const auto product = native::product_of(w, dense(out), /*add=*/true);
  const LinearWeight* const weight = &w;
  products(x, {&product, 1}, {&weight, 1});
  return out;
}

Tensor activation(Tensor x, Activation act) {
  if (act != Activation::quick_gelu) return rounded(f32().activation(std::move(x), act));
  const Tensor by = rounded(f32().activation(rounded(native::scale(x, 1.702)), Activation::sigmoid));
  return rounded(f32().mul(x, by));  // three operations in Python, three roundings
}

Tensor gated_mlp(Tensor x, const NormWeight& norm_weight, Activation act, const LinearWeight& gate,
                 const LinearWeight& up, const LinearWeight& down) {
  const LinearWeight* const both[] = {&gate, &up};
  auto made = linear({x, &norm_weight}, both);
  if (made[0].shape() != made[1].shape())
    throw ShapeError(cat("gate ", made[0].shape().text(), ", up ", made[1].shape().text()));
  const float* const by = dense(made[1]);
  Tensor inner = act == Activation::silu ? made[0] : activation(std::exchange(made[0], {}), act);
  float* const values = dense(inner);
  const auto& k = kernels::bf16_kernels();
  pool().parallel_for(inner.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
    if (act == Activation::silu) return k.silu_mul(values + begin, by + begin, end - begin, values + begin);
    for (int64_t i = begin; i < end; ++i) values[i] *= by[i];
    k.round(values + begin, end - begin, values + begin);
  });
  return linear_add(inner, down, std::move(x));
}

// ---- the rest ----

Tensor layer_norm(const Tensor& x, const NormWeight& weight) {
  return rounded(native::layer_norm(x, weight));
}

/// What PyTorch makes of two types: bf16 only of two such tensors.
Tensor promoted(Tensor made, const Tensor& a, const Tensor& b) {
  return is_f32(a) || is_f32(b) ? made : rounded(std::move(made));
}
Tensor add(const Tensor& a, const Tensor& b) {
  return promoted(f32().add(a, b), a, b);
}
Tensor mul(const Tensor& a, const Tensor& b) {
  return promoted(f32().mul(a, b), a, b);
}
Tensor scale(const Tensor& x, double factor) {
  return rounded(native::scale(x, factor));
}
Tensor softmax(const Tensor& x) {
  return f32().softmax(x);
}
Tensor index_select(const Tensor& x, std::span<const int64_t> rows) {
  return tagged(f32().index_select(x, rows));
}

Tensor index_add(Tensor out, std::span<const int64_t> rows, const Tensor& x, std::span<const float> factors) {
  std::vector<float> one(rows.size(), 1.0f), by;
  for (const float factor : factors) by.push_back(rounded_to_bf16(factor));
  Tensor scaled = native::contiguous(x);
  if (scaled.dim() != 2 || rows.size() != by.size() || scaled.size(0) != static_cast<int64_t>(by.size()))
    throw ShapeError(cat("index_add of ", x.shape().text(), " by ", by.size(), " factors"));
  scaled = own(scaled);
  const auto width = scaled.size(1);
  float* const values = dense(scaled);
  for (size_t r = 0; r < by.size(); ++r)
    for (int64_t i = 0; i < width; ++i) values[static_cast<int64_t>(r) * width + i] *= by[r];
  return rounded(native::index_add(std::move(out), rows, rounded(std::move(scaled)), one));
}

Tensor concat(std::span<const Tensor> tensors, int64_t dimension) {
  Tensor made = native::concat(tensors, dimension);
  return std::ranges::any_of(tensors, is_f32) ? made : tagged(made);
}
Tensor contiguous(const Tensor& x) {
  return tagged(native::contiguous(x));
}
Tensor matmul_nt(const Tensor& a, const Tensor& b) {
  return rounded(native::matmul_nt(a, b));
}
Tensor gather(const Tensor& x, std::span<const int32_t> index, int64_t columns) {
  return tagged(native::gather(x, index, columns));
}

Tensor rope(Tensor x, const Tensor& cos, const Tensor& sin) {
  const auto half = cos.dim() == 2 ? cos.size(1) : 0;
  if (x.dim() != 3 || cos.shape() != sin.shape() || cos.dim() != 2 || cos.size(0) != x.size(0) || 2 * half > x.size(2))
    throw ShapeError(cat("rope of ", x.shape().text(), " by ", cos.shape().text()));
  const auto heads = x.size(1), head_dim = x.size(2);
  Tensor out = tagged(own(std::move(x)));
  float* const values = dense(out);
  const float *c = dense(cos), *s = dense(sin);
  const auto& k = kernels::bf16_kernels();
  pool().parallel_for(out.size(0), 32, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      k.rope(values + row * heads * head_dim, heads, head_dim, half, c + row * half, s + row * half);
  });
  return out;
}

/// Scores, weights and sums stay in f32 until the result is rounded, where PyTorch rounds the weights as well.
Tensor attention(const Tensor& q, std::span<const AttentionSequence> sequences, const AttentionOptions& options) {
  return rounded(native::attention(q, sequences, options));
}

Tensor from_host(std::span<const float> values, const Shape& shape) {
  return f32().from_host(values, shape);
}
void to_host(const Tensor& x, std::span<float> out) {
  f32().to_host(x, out);
}

constexpr Backend kNativeBf16{
    .name = "native",
    .empty = empty,
    .from_host = from_host,
    .to_host = to_host,
    .tensor = tensor,
    .weight = weight,
    .embedding = embedding,
    .linear = linear,
    .linear_add = linear_add,
    .gated_mlp = gated_mlp,
    .rms_norm = norm,
    .layer_norm = layer_norm,
    .activation = activation,
    .add = add,
    .mul = mul,
    .scale = scale,
    .softmax = softmax,
    .index_select = index_select,
    .index_add = index_add,
    .cat = concat,
    .contiguous = contiguous,
    .matmul_nt = matmul_nt,
    .gather = gather,
    .rope = rope,
    .kv_write = native::kv_write,
    .kv_copy = native::kv_copy,
    .attention = attention,
};

}  // namespace

const Backend& native_bf16_backend() {
  return kNativeBf16;
}

}  // namespace hearth
