// The op table filled by libtorch: the same model code in the field's own arithmetic, op for op as transformers writes
// it, so that both numbers can be laid side by side.
// Source: transformers 5.23.0 models/llama/modeling_llama.py, integrations/sdpa_attention.py.
#include <cmath>
#include <cstring>
#include <limits>

#include "aten/convert.h"
#include "aten/door.h"
#include "base/text.h"

namespace hearth::aten {
namespace {

/// A matrix in the arithmetic's type; quantized files are dequantized when loaded.
class AtenWeight final : public Weight {
 public:
  explicit AtenWeight(at::Tensor matrix)
      : Weight(&table(), matrix.size(0), matrix.size(1)), tensor(std::move(matrix)) {}
  int64_t size_bytes() const override { return static_cast<int64_t>(tensor.nbytes()); }
  const at::Tensor tensor;
};

const at::Tensor& matrix_of(const Weight& weight) {
  if (&weight.backend() != &table()) throw ShapeError("a weight of another backend met aten");
  return static_cast<const AtenWeight&>(weight).tensor;
}

at::Tensor optional_tensor(const Tensor& tensor) {
  return tensor.defined() ? unwrap(tensor) : at::Tensor();
}

void check_equal(std::string_view what, const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape())) throw ShapeError(cat(what, " of ", a.shape().text(), " and ", b.shape().text()));
}

// ---- loading ----

Status check_options(const WeightSource& source, const WeightOptions& options) {
  if (options.numerics != Numerics::exact)
    return Status(Code::unsupported, "the aten backend has exact numerics only: leave --fast out, or use native");
  if (options.dtype != DType::f32 && options.dtype != DType::bf16)
    return Status(Code::unsupported, cat("arithmetic in ", name(options.dtype), " is not offered (f32, bf16)"));
  const auto expected = size_bytes(source.dtype, source.shape.numel());
  if (!expected || *expected != static_cast<int64_t>(source.data.size()))
    return Status(Code::bad_input, cat("tensor '", source.name, "': ", source.data.size(), " bytes do not fill ",
                                       source.shape.text(), " of ", name(source.dtype)));
  return {};
}

/// The stored numbers in the type of the arithmetic. Borrows the file's bytes where they are of that type already.
Result<at::Tensor> load(const WeightSource& source, const WeightOptions& options) {
  TRY(check_options(source, options));
  const at::IntArrayRef sizes(source.shape.span().data(), source.shape.size());
  if (is_block_type(source.dtype)) {
    auto out = at::empty(sizes, at::kFloat);
    auto made = kernels::dequantize(source.dtype, source.data,
                                    {out.mutable_data_ptr<float>(), static_cast<size_t>(out.numel())});
    if (!made.ok()) return std::move(made).with(cat("tensor '", source.name, "'"));
    return out.to(scalar_type(options.dtype));
  }
  const auto stored = scalar_type(source.dtype);
  const auto address = reinterpret_cast<uintptr_t>(source.data.data());
  const bool is_aligned = address % static_cast<uintptr_t>(block_bytes(source.dtype)) == 0;
  if (source.dtype == options.dtype && is_aligned && source.owner && !source.data.empty())
    return at::from_blob(
        const_cast<std::byte*>(source.data.data()), sizes,  // never written: weights are constant
        [owner = source.owner](void*) {}, at::TensorOptions(stored));
  auto copy = at::empty(sizes, stored);
  if (!source.data.empty()) std::memcpy(copy.mutable_data_ptr(), source.data.data(), source.data.size());
  return copy.to(scalar_type(options.dtype));
}

/// The one place where libtorch's failures become a Status: what a file asks for may not fit into memory.
template <class Body>
auto guard(const WeightSource& source, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const c10::Error& error) {
    return Status(Code::unavailable, cat("tensor '", source.name, "': libtorch: ", error.what_without_backtrace()));
  } catch (const ShapeError& error) {
    return Status(Code::unsupported, cat("tensor '", source.name, "': ", std::string_view(error.what())));
  }
}

Result<Tensor> tensor(const WeightSource& source, const WeightOptions& options) {
  return guard(source, [&]() -> Result<Tensor> { return wrap(TRY(load(source, options))); });
}

Result<std::shared_ptr<const Weight>> weight(const WeightSource& source, const WeightOptions& options) {
  return guard(source, [&]() -> Result<std::shared_ptr<const Weight>> {
    if (source.shape.size() != 2)
      return Status(Code::bad_input, cat("tensor '", source.name, "' is ", source.shape.text(), ", not a matrix"));
    return std::shared_ptr<const Weight>(std::make_shared<AtenWeight>(TRY(load(source, options))));
  });
}

Tensor empty(const Shape& shape, DType dtype) {
  return wrap(at::empty({shape.span().data(), shape.size()}, scalar_type(dtype)));
}

Tensor from_host(std::span<const float> values, const Shape& shape) {
  if (shape.numel() != static_cast<int64_t>(values.size()))
    throw ShapeError(cat("from_host: ", values.size(), " values for ", shape.text()));
  auto out = at::empty({shape.span().data(), shape.size()}, at::kFloat);
  if (!values.empty()) std::memcpy(out.mutable_data_ptr<float>(), values.data(), values.size_bytes());
  return wrap(std::move(out));
}

void to_host(const Tensor& x, std::span<float> out) {
  const auto dense = unwrap(x).to(at::kFloat).contiguous();
  if (dense.numel() != static_cast<int64_t>(out.size()))
    throw ShapeError(cat("to_host: ", x.shape().text(), " into ", out.size(), " values"));
  if (!out.empty()) std::memcpy(out.data(), dense.const_data_ptr<float>(), out.size_bytes());
}

// ---- arithmetic ----

at::Tensor norm(const at::Tensor& x, const NormWeight& entry) {
  const auto hidden = x.to(at::kFloat);
  const auto variance = hidden.pow(2).mean(-1, /*keepdim=*/true);
  const auto normal = hidden * at::rsqrt(variance + entry.eps);
  const auto weight = unwrap(entry.weight);
  // A weight in f32 (Gemma's) multiplies before the result is rounded, another after.
  if (weight.scalar_type() == at::kFloat) return (normal * weight).to(x.scalar_type());
  return weight * normal.to(x.scalar_type());
}

at::Tensor product(const at::Tensor& x, const LinearWeight& entry) {
  return at::linear(x, matrix_of(*entry.weight), optional_tensor(entry.bias));
}

Tensor embedding(const Weight& entry, std::span<const int32_t> ids) {
  auto index = at::empty({static_cast<int64_t>(ids.size())}, at::kLong);
  auto* out = index.mutable_data_ptr<int64_t>();
  for (const auto id : ids) {
    if (id < 0 || id >= entry.rows()) throw ShapeError(cat("embedding: id ", id, " of ", entry.rows(), " rows"));
    *out++ = id;
  }
  return wrap(at::embedding(matrix_of(entry), index));
}

std::vector<Tensor> linear(const LinearInput& input, std::span<const LinearWeight* const> weights) {
  const auto x = input.norm ? norm(unwrap(input.x), *input.norm) : unwrap(input.x);
  std::vector<Tensor> out;
  for (const auto* entry : weights) out.push_back(wrap(product(x, *entry)));
  return out;
}

Tensor linear_add(const Tensor& x, const LinearWeight& entry, Tensor residual) {
  const auto y = wrap(product(unwrap(x), entry));
  check_equal("linear_add", y, residual);
  return wrap(unwrap(residual) + unwrap(y));
}

at::Tensor activate(const at::Tensor& x, Activation act) {
  switch (act) {
    case Activation::silu:
      return at::silu(x);
    case Activation::gelu:
      return at::gelu(x);
    case Activation::gelu_tanh:
      return at::gelu(x, "tanh");
    case Activation::quick_gelu:
      return x * at::sigmoid(1.702 * x);
    case Activation::relu:
      return at::relu(x);
    case Activation::relu2:
      return at::square(at::relu(x));
    case Activation::tanh:
      return at::tanh(x);
    case Activation::sigmoid:
      return at::sigmoid(x);
    case Activation::mish:
      return at::mish(x);
  }
  throw ShapeError("an activation that this backend does not know");
}

Tensor gated_mlp(Tensor x, const NormWeight& entry, Activation act, const LinearWeight& gate, const LinearWeight& up,
                 const LinearWeight& down) {
  const auto residual = unwrap(x);
  const auto hidden = norm(residual, entry);
  return wrap(residual + product(activate(product(hidden, gate), act) * product(hidden, up), down));
}

Tensor rms_norm(const Tensor& x, const NormWeight& entry) {
  return wrap(norm(unwrap(x), entry));
}
Tensor layer_norm(const Tensor& x, const NormWeight& entry) {
  const auto values = unwrap(x);
  return wrap(at::layer_norm(values, {values.size(-1)}, unwrap(entry.weight), optional_tensor(entry.bias), entry.eps));
}
Tensor activation(Tensor x, Activation act) {
  return wrap(activate(unwrap(x), act));
}
Tensor add(const Tensor& a, const Tensor& b) {
  check_equal("add", a, b);
  return wrap(unwrap(a) + unwrap(b));
}
Tensor mul(const Tensor& a, const Tensor& b) {
  check_equal("mul", a, b);
  return wrap(unwrap(a) * unwrap(b));
}
Tensor scale(const Tensor& x, double factor) {
  return wrap(unwrap(x) * factor);
}
Tensor softmax(const Tensor& x) {
  return wrap(at::softmax(unwrap(x), -1, at::kFloat));
}

at::Tensor index_tensor(std::span<const int64_t> rows) {
  auto index = at::empty({static_cast<int64_t>(rows.size())}, at::kLong);
  std::copy(rows.begin(), rows.end(), index.mutable_data_ptr<int64_t>());
  return index;
}

Tensor index_select(const Tensor& x, std::span<const int64_t> rows) {
  return wrap(at::index_select(unwrap(x), 0, index_tensor(rows)));
}

Tensor index_add(Tensor out, std::span<const int64_t> rows, const Tensor& x, std::span<const float> factors) {
  const auto values = unwrap(x);
  const auto by = unwrap(from_host(factors, {static_cast<int64_t>(factors.size()), 1})).to(values.scalar_type());
  return wrap(at::index_add(unwrap(out), 0, index_tensor(rows), values * by));
}

Tensor concat(std::span<const Tensor> tensors, int64_t dimension) {
  std::vector<at::Tensor> parts;
  for (const auto& part : tensors) parts.push_back(unwrap(part));
  return wrap(at::cat(parts, dimension));
}

Tensor contiguous(const Tensor& x) {
  return wrap(unwrap(x).contiguous());
}

Tensor matmul_nt(const Tensor& a, const Tensor& b) {
  return wrap(at::bmm(unwrap(a), unwrap(b).transpose(1, 2)));
}

Tensor gather(const Tensor& x, std::span<const int32_t> index, int64_t columns) {
  const auto values = unwrap(x);
  if (x.dim() != 3 || static_cast<int64_t>(index.size()) != x.size(1) * columns)
    throw ShapeError(cat("gather of ", index.size(), " places from ", x.shape().text()));
  auto places = at::empty({x.size(1), columns}, at::kLong);
  std::copy(index.begin(), index.end(), places.mutable_data_ptr<int64_t>());
  return wrap(at::gather(values, 2, places.unsqueeze(0).expand({x.size(0), x.size(1), columns})));
}

Tensor rope(Tensor x, const Tensor& cos, const Tensor& sin) {
  check_equal("rope", cos, sin);
  const auto heads = unwrap(x);
  const auto half = cos.size(-1);
  if (x.dim() != 3 || cos.dim() != 2 || cos.size(0) != x.size(0) || 2 * half > x.size(2))
    throw ShapeError(cat("rope of ", x.shape().text(), " by ", cos.shape().text()));
  // One angle a row, the same for all heads; rounded to x's type first, as transformers does.
  const auto c = unwrap(cos).to(heads.scalar_type()).unsqueeze(1), s = unwrap(sin).to(heads.scalar_type()).unsqueeze(1);
  const auto first = heads.narrow(-1, 0, half), second = heads.narrow(-1, half, half);
  const auto rest = heads.narrow(-1, 2 * half, heads.size(-1) - 2 * half);
  return wrap(at::cat({first * c + (-second) * s, second * c + first * s, rest}, -1));
}

/// Keys (0) or values (1) of a page's layer: [kv_heads, kKvPagePositions, head_dim].
at::Tensor layer_of(const KvPage& page, int64_t layer, int64_t kind) {
  const auto all = unwrap(page.values());
  return all.select(0, layer).select(0, std::min(kind, all.size(1) - 1));
}

void kv_write(const KvPagesView& to, int64_t position, const Tensor& k, const Tensor& v, int64_t row_begin,
              int64_t row_count) {
  const int64_t kinds = to.pages.empty() ? 1 : to.pages[0]->values().size(1);
  if (position < 0 || position + row_count > static_cast<int64_t>(to.pages.size()) * kKvPagePositions)
    throw ShapeError(cat(row_count, " rows at ", position, " into ", to.pages.size(), " pages of a cache"));
  for (int64_t row = 0; row < row_count;) {
    const auto slot = (position + row) % kKvPagePositions, count = std::min(row_count - row, kKvPagePositions - slot);
    const auto& page = *to.pages[static_cast<size_t>((position + row) / kKvPagePositions)];
    for (int64_t kind = 0; kind < kinds; ++kind)
      layer_of(page, to.layer, kind)
          .narrow(1, slot, count)
          .copy_(unwrap(kind == 0 ? k : v).narrow(0, row_begin + row, count).transpose(0, 1));
    row += count;
  }
}

void kv_copy(const KvPage& from, const KvPage& to, int64_t positions) {
  unwrap(to.values()).narrow(3, 0, positions).copy_(unwrap(from.values()).narrow(3, 0, positions));
}

/// The keys (0) or values (1) of a sequence in one: [kv_heads, key_count, head_dim].
at::Tensor joined(const AttentionSequence& s, int64_t kind) {
  if (s.k.defined()) return unwrap((kind == 0 ? s.k : s.v).narrow(1, 0, s.key_count));
  std::vector<at::Tensor> parts;
  for (int64_t begin = 0; begin < s.key_count; begin += kKvPagePositions)
    parts.push_back(layer_of(*s.cache.pages[static_cast<size_t>(begin / kKvPagePositions)], s.cache.layer, kind));
  return (parts.size() == 1 ? parts[0] : at::cat(parts, 1)).narrow(1, 0, s.key_count);
}

/// True where a row may not see a key, [rows, keys]; undefined when all see all.
at::Tensor hidden_keys(int64_t rows, int64_t keys, const AttentionOptions& options) {
  if ((!options.causal || rows == 1) && options.window <= 0) return {};
  const auto apart = at::arange(keys - rows, keys, at::kLong).unsqueeze(1) - at::arange(keys, at::kLong).unsqueeze(0);
  at::Tensor hidden;
  if (options.causal) hidden = apart < 0;
  if (options.window <= 0) return hidden;
  const auto outside = apart.abs() >= options.window;
  return hidden.defined() ? hidden.logical_or(outside) : outside;
}

/// Attention as transformers' eager_attention_forward writes it, for what the fused operation does not have.
at::Tensor eager(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& hidden,
                 const Tensor& bias, double scale, double softcap) {
  const auto groups = q.size(1) / k.size(1);
  auto scores = at::matmul(q, k.repeat_interleave(groups, 1).transpose(2, 3)) * scale;
  if (softcap > 0) scores = at::tanh(scores / softcap) * softcap;
  if (bias.defined()) scores = scores + unwrap(bias).unsqueeze(0);
  if (hidden.defined()) scores = scores.masked_fill(hidden, -std::numeric_limits<double>::infinity());
  return at::matmul(at::softmax(scores, -1, at::kFloat).to(q.scalar_type()), v.repeat_interleave(groups, 1));
}

Tensor attention(const Tensor& q, std::span<const AttentionSequence> sequences, const AttentionOptions& options) {
  const auto all = unwrap(q);
  auto out = at::empty_like(all);
  const double scale = options.scale == 0 ? 1 / std::sqrt(static_cast<double>(all.size(-1))) : options.scale;
  for (const auto& sequence : sequences) {
    const auto rows = sequence.row_count, keys = sequence.key_count;
    if (rows == 0) continue;
    if (options.causal && keys < rows) throw ShapeError(cat("attention: ", rows, " rows over ", keys, " keys"));
    const auto queries = all.narrow(0, sequence.row_begin, rows).transpose(0, 1).unsqueeze(0);
    if (!sequence.k.defined() && keys > static_cast<int64_t>(sequence.cache.pages.size()) * kKvPagePositions)
      throw ShapeError(cat(keys, " keys in ", sequence.cache.pages.size(), " pages of a cache"));
    const auto k = joined(sequence, 0).unsqueeze(0), v = joined(sequence, 1).unsqueeze(0);
    const auto hidden = hidden_keys(rows, keys, options);
    at::Tensor made;
    if (sequence.bias.defined() || options.softcap > 0) {
      made = eager(queries, k, v, hidden, sequence.bias, scale, options.softcap);
    } else {
      // A single new row sees all keys; a whole prompt has a square mask; rows after a prefix need one drawn.
      const bool is_square = options.causal && rows > 1 && rows == keys && options.window <= 0;
      std::optional<at::Tensor> mask;
      if (hidden.defined() && !is_square) mask = hidden.logical_not();
      made = at::scaled_dot_product_attention(queries, k, v, mask, /*dropout_p=*/0.0, is_square, scale,
                                              /*enable_gqa=*/queries.size(1) != k.size(1));
    }
    out.narrow(0, sequence.row_begin, rows).copy_(made.squeeze(0).transpose(0, 1));
  }
  return wrap(out.reshape({all.size(0), -1}));
}

constexpr Backend kTable{
    .name = "aten",
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
    .kv_write = kv_write,
    .kv_copy = kv_copy,
    .attention = attention,
};

}  // namespace

const Backend& table() {
  return kTable;
}

}  // namespace hearth::aten

const hearth::Backend* hearth_aten_backend() {
  return &hearth::aten::table();
}
