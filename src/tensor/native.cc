// The native backend: the op table filled with our own kernels, f32 activations in this machine's memory.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "tensor/backend.h"
#include "tensor/kernels/kernel_table.h"
#include "tensor/native_ops.h"

namespace hearth {
namespace {

using native::dense;
using native::empty_f32;
using native::expect_matrix;
using native::own;
using native::product_of;

ThreadPool& pool() {
  return ThreadPool::shared();
}

class HeapStorage final : public Storage {
 public:
  explicit HeapStorage(size_t size_bytes) : Storage(allocate(size_bytes), size_bytes) {}
  ~HeapStorage() override { std::free(data()); }

 private:
  static std::byte* allocate(size_t size_bytes) {
    constexpr size_t kLine = 64;
    auto* out = std::aligned_alloc(kLine, std::max(kLine, (size_bytes + kLine - 1) / kLine * kLine));
    if (!out) throw std::bad_alloc();
    return static_cast<std::byte*>(out);
  }
};

class NativeWeight final : public Weight {
 public:
  NativeWeight(const Backend& backend, kernels::PackedWeight values, const WeightSource& source, bool read_once)
      : Weight(&backend, values.rows(), values.cols()), packed(std::move(values)) {
    if (packed.data() != source.data.data()) return;  // panels are its own
    owner_ = source.owner;
    if (read_once) file_ = source.file;
  }
  int64_t size_bytes() const override { return packed.size_bytes(); }
  /// After a product.
  void was_read() const {
    if (file_) file_->forget({packed.data(), static_cast<size_t>(packed.size_bytes())});
  }

  const kernels::PackedWeight packed;

 private:
  std::shared_ptr<const void> owner_;    // of the bytes that `packed` borrows
  std::shared_ptr<const Weights> file_;  // of those that are read once
};

const NativeWeight& native_weight(const Weight& weight) {
  if (&weight.backend() != &native_backend() && &weight.backend() != &native_bf16_backend())
    throw ShapeError("a weight of another backend in a native product");
  return static_cast<const NativeWeight&>(weight);
}
const kernels::PackedWeight& packed(const Weight& weight) {
  return native_weight(weight).packed;
}

Tensor empty(const Shape& shape, DType dtype) {
  const auto bytes = size_bytes(dtype, shape.numel());
  if (!bytes) throw ShapeError(cat("no tensor ", shape.text(), " of ", name(dtype), " can be made"));
  return {&native_backend(), std::make_shared<HeapStorage>(static_cast<size_t>(*bytes)), dtype, shape};
}

Tensor from_host(std::span<const float> values, const Shape& shape) {
  if (shape.numel() != static_cast<int64_t>(values.size()))
    throw ShapeError(cat(values.size(), " numbers as ", shape.text()));
  Tensor out = empty_f32(shape);
  std::copy(values.begin(), values.end(), out.data<float>());
  return out;
}

void to_host(const Tensor& x, std::span<float> out) {
  if (x.numel() != static_cast<int64_t>(out.size())) throw ShapeError(cat(x.shape().text(), " into ", out.size()));
  std::copy_n(dense(x), x.numel(), out.begin());
}

Status unreadable(const WeightSource& source) {
  return {Code::unsupported,
          cat(source.name, " is stored as ", name(source.dtype),
              "; the native backend reads F32, F16, BF16, Q8_0, Q5_0, Q5_1, Q4_0, Q4_1, Q2_K to Q6_K, "
              "IQ4_NL, IQ4_XS and MXFP4")};
}

Result<Tensor> tensor(const WeightSource& source, const WeightOptions&) {
  if (!kernels::can_pack(source.dtype)) return unreadable(source);
  Tensor out = empty_f32(source.shape);
  auto status = kernels::dequantize(source.dtype, source.data, {out.data<float>(), static_cast<size_t>(out.numel())});
  if (!status.ok()) return std::move(status).with(source.name);
  return out;
}

Result<std::shared_ptr<const Weight>> weight(const WeightSource& source, const WeightOptions& options) {
  return native::packed_weight(native_backend(), source, options);
}

Tensor embedding(const Weight& matrix, std::span<const int32_t> ids) {
  const auto& rows = packed(matrix);
  Tensor out = empty_f32({static_cast<int64_t>(ids.size()), rows.cols()});
  float* to = out.data<float>();
  for (const auto id : ids) {
    if (id < 0 || id >= rows.rows()) throw ShapeError(cat("token id ", id, " of a vocabulary of ", rows.rows()));
    kernels::embedding_row(rows, id, to);
    to += rows.cols();
  }
  return out;
}

kernels::Input input_of(const Tensor& x, const NormWeight* norm) {
  kernels::Input out{.x = dense(x), .rows = x.size(0)};
  if (norm) {
    if (norm->weight.numel() != x.size(1)) throw ShapeError(cat("a norm of ", norm->weight.numel(), " values"));
    out.norm_weight = dense(norm->weight);
    out.norm_eps = static_cast<float>(norm->eps);
  }
  return out;
}

std::vector<Tensor> linear(const LinearInput& input, std::span<const LinearWeight* const> weights) {
  std::vector<Tensor> out;
  std::vector<kernels::Product> products;
  for (const auto* w : weights) {
    expect_matrix(input.x, w->weight->cols(), "linear");
    out.push_back(empty_f32({input.x.size(0), w->weight->rows()}));
    products.push_back(product_of(*w, out.back().data<float>()));
  }
  kernels::linear(products, input_of(input.x, input.norm), pool());
  for (const auto* w : weights) native_weight(*w->weight).was_read();
  return out;
}

Tensor linear_add(const Tensor& x, const LinearWeight& w, Tensor residual) {
  expect_matrix(x, w.weight->cols(), "linear");
  if (residual.shape() != Shape{x.size(0), w.weight->rows()})
    throw ShapeError(cat("a residual ", residual.shape().text(), " for ", w.weight->rows(), " outputs"));
  Tensor out = own(std::move(residual));
  const auto product = product_of(w, out.data<float>(), /*add=*/true);
  kernels::linear({&product, 1}, input_of(x, nullptr), pool());
  native_weight(*w.weight).was_read();
  return out;
}

float activate(float x, Activation act) {
  switch (act) {
    case Activation::silu:
      return x / (1.0f + std::exp(-x));
    case Activation::gelu:
      return 0.5f * x * (1.0f + std::erf(x * 0.70710678118654752f));
    case Activation::gelu_tanh:
      return 0.5f * x * (1.0f + std::tanh(0.79788456080286536f * (x + 0.044715f * x * x * x)));
    case Activation::quick_gelu:
      return x / (1.0f + std::exp(-1.702f * x));
    case Activation::relu:
      return std::max(x, 0.0f);
    case Activation::relu2:
      return x > 0 ? x * x : 0.0f;
    case Activation::tanh:
      return std::tanh(x);
    case Activation::sigmoid:
      return 1.0f / (1.0f + std::exp(-x));
    case Activation::mish:
      return x * std::tanh(std::log1p(std::exp(x)));
  }
  throw ShapeError("an activation that is not known");
}

std::optional<kernels::Curve> curve_of(Activation act) {
  switch (act) {
    case Activation::silu:
      return kernels::Curve::silu;
    case Activation::gelu:
      return kernels::Curve::gelu;
    case Activation::gelu_tanh:
      return kernels::Curve::gelu_tanh;
    case Activation::quick_gelu:
      return kernels::Curve::quick_gelu;
    case Activation::relu:
      return kernels::Curve::relu;
    default:
      return {};
  }
}

/// fn(begin, end) over pieces of [0, count), on one thread when that is quicker.
template <class F>
void over(int64_t count, F&& fn) {
  pool().parallel_for(count, 1 << 14, fn);
}

Tensor gated_mlp(Tensor x, const NormWeight& norm, Activation act, const LinearWeight& gate, const LinearWeight& up,
                 const LinearWeight& down) {
  const LinearWeight* const both[] = {&gate, &up};
  const auto made = linear({x, &norm}, both);
  const Tensor &g = made[0], &u = made[1];
  if (g.shape() != u.shape()) throw ShapeError(cat("gate ", g.shape().text(), ", up ", u.shape().text()));
  expect_matrix(g, down.weight->cols(), "down");
  kernels::Input input{.x = g.data<float>(), .rows = g.size(0)};
  if (act == Activation::silu) {
    input.up = u.data<float>();
  } else {
    float* to = g.data<float>();
    const float* by = u.data<float>();
    const auto curve = curve_of(act);
    over(g.numel(), [&](int64_t begin, int64_t end) {
      if (curve) kernels::curve(*curve, to + begin, end - begin, to + begin);
      for (int64_t i = begin; i < end; ++i) to[i] = (curve ? to[i] : activate(to[i], act)) * by[i];
    });
  }
  Tensor out = own(std::move(x));
  const auto product = product_of(down, out.data<float>(), /*add=*/true);
  kernels::linear({&product, 1}, input, pool());
  native_weight(*down.weight).was_read();
  return out;
}

Tensor rms_norm(const Tensor& x, const NormWeight& norm) {
  if (x.size(-1) != norm.weight.numel())
    throw ShapeError(cat("rms_norm of ", x.shape().text(), " by ", norm.weight.numel(), " values"));
  Tensor out = empty_f32(x.shape());
  kernels::rms_norm(dense(x), dense(norm.weight), static_cast<float>(norm.eps), x.numel() / x.size(-1), x.size(-1),
                    out.data<float>());
  return out;
}

Tensor activation(Tensor x, Activation act) {
  const bool is_ours = x.storage().use_count() == 1 && x.is_contiguous();
  Tensor out = is_ours ? x : empty_f32(x.shape());
  const float* from = dense(x);
  float* to = out.data<float>();
  const auto curve = curve_of(act);
  over(x.numel(), [&](int64_t begin, int64_t end) {
    if (curve) return kernels::curve(*curve, from + begin, end - begin, to + begin);
    for (int64_t i = begin; i < end; ++i) to[i] = activate(from[i], act);
  });
  return out;
}

template <class F>
Tensor pairwise(const Tensor& a, const Tensor& b, F&& f) {
  if (a.shape() != b.shape()) throw ShapeError(cat("shapes ", a.shape().text(), " and ", b.shape().text(), " differ"));
  Tensor out = empty_f32(a.shape());
  const float *x = dense(a), *y = dense(b);
  float* to = out.data<float>();
  over(a.numel(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = f(x[i], y[i]);
  });
  return out;
}

Tensor add(const Tensor& a, const Tensor& b) {
  return pairwise(a, b, [](float x, float y) { return x + y; });
}

Tensor mul(const Tensor& a, const Tensor& b) {
  return pairwise(a, b, [](float x, float y) { return x * y; });
}

Tensor softmax(const Tensor& x) {
  const auto width = x.size(-1);
  Tensor out = empty_f32(x.shape());
  const float* from = dense(x);
  float* to = out.data<float>();
  for (int64_t row = 0; row < x.numel() / std::max<int64_t>(width, 1); ++row, from += width, to += width) {
    const float top = *std::max_element(from, from + width);
    double sum = 0;
    for (int64_t i = 0; i < width; ++i) sum += to[i] = std::exp(from[i] - top);
    for (int64_t i = 0; i < width; ++i) to[i] = static_cast<float>(to[i] / sum);
  }
  return out;
}

Tensor index_select(const Tensor& x, std::span<const int64_t> rows) {
  if (x.dim() != 2) throw ShapeError(cat("index_select of ", x.shape().text()));
  const auto width = x.size(1);
  Tensor out = empty_f32({static_cast<int64_t>(rows.size()), width});
  float* to = out.data<float>();
  for (const auto row : rows) {
    if (row < 0 || row >= x.size(0)) throw ShapeError(cat("row ", row, " of ", x.shape().text()));
    to = std::copy_n(dense(x) + row * width, width, to);
  }
  return out;
}

Tensor rope(Tensor x, const Tensor& cos, const Tensor& sin) {
  const auto half = cos.dim() == 2 ? cos.size(1) : 0;
  if (x.dim() != 3 || cos.shape() != sin.shape() || cos.dim() != 2 || cos.size(0) != x.size(0) || 2 * half > x.size(2))
    throw ShapeError(cat("rope of ", x.shape().text(), " by ", cos.shape().text()));
  const auto heads = x.size(1), head_dim = x.size(2);
  Tensor out = own(std::move(x));
  float* values = out.data<float>();
  const float *c = dense(cos), *s = dense(sin);
  pool().parallel_for(out.size(0), 32, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      float* at = values + row * heads * head_dim;
      if (2 * half == head_dim) {
        kernels::rope(at, heads, head_dim, c + row * half, s + row * half);
        continue;
      }
      for (int64_t h = 0; h < heads; ++h) kernels::rope(at + h * head_dim, 1, 2 * half, c + row * half, s + row * half);
    }
  });
  return out;
}

constexpr Backend kNative{
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
    .rms_norm = rms_norm,
    .layer_norm = native::layer_norm,
    .activation = activation,
    .add = add,
    .mul = mul,
    .scale = native::scale,
    .softmax = softmax,
    .index_select = index_select,
    .index_add = native::index_add,
    .cat = native::concat,
    .contiguous = native::contiguous,
    .matmul_nt = native::matmul_nt,
    .gather = native::gather,
    .rope = rope,
    .kv_write = native::kv_write,
    .kv_copy = native::kv_copy,
    .attention = native::attention,
};

}  // namespace

Result<std::shared_ptr<const Weight>> native::packed_weight(const Backend& backend, const WeightSource& source,
                                                            const WeightOptions& options) {
  if (!kernels::can_pack(source.dtype)) return unreadable(source);
  if (source.shape.size() != 2)
    return Status(Code::bad_input, cat(source.name, " is ", source.shape.text(), ", not a matrix"));
  auto made = kernels::pack(source.dtype, source.data, source.shape[0], source.shape[1], options.numerics, pool());
  if (!made.ok()) return std::move(made).status().with(source.name);
  return std::shared_ptr<const Weight>(
      std::make_shared<NativeWeight>(backend, *std::move(made), source, options.read_once));
}

void native::was_read(const Weight& weight) {
  native_weight(weight).was_read();
}

void native::expect_matrix(const Tensor& x, int64_t width, std::string_view what) {
  if (x.dim() != 2 || x.size(1) != width)
    throw ShapeError(cat(what, ": input ", x.shape().text(), ", the weight reads [rows, ", width, "]"));
}

kernels::Product native::product_of(const LinearWeight& linear, float* y, bool add) {
  if (linear.bias.defined() && linear.bias.numel() != linear.weight->rows())
    throw ShapeError(cat("a bias of ", linear.bias.numel(), " for ", linear.weight->rows(), " outputs"));
  return {.weight = &packed(*linear.weight),
          .y = y,
          .bias = linear.bias.defined() ? dense(linear.bias) : nullptr,
          .add = add};
}

Tensor native::empty_f32(const Shape& shape) {
  return empty(shape, DType::f32);
}

float* native::dense(const Tensor& x) {
  if (!x.is_contiguous()) throw ShapeError(cat("a tensor ", x.shape().text(), " that is not contiguous"));
  return x.data<float>();
}

Tensor native::own(Tensor x) {
  if (x.storage().use_count() == 1 && x.is_contiguous()) return x;
  Tensor out = empty_f32(x.shape());
  std::memcpy(out.data<float>(), dense(x), static_cast<size_t>(x.numel()) * sizeof(float));
  return out;
}

const Backend& native_backend() {
  return kNative;
}

}  // namespace hearth
