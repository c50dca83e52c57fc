#include "aten/convert.h"

#include "base/text.h"

namespace hearth::aten {
namespace {

/// Keeps libtorch's tensor, whose bytes our Tensor describes.
class AtenStorage final : public Storage {
 public:
  explicit AtenStorage(at::Tensor held)
      : Storage(static_cast<std::byte*>(held.data_ptr()), held.nbytes()), tensor(std::move(held)) {}
  const at::Tensor tensor;
};

constexpr std::pair<DType, at::ScalarType> kTypes[] = {
    {DType::f32, at::kFloat}, {DType::bf16, at::kBFloat16}, {DType::f16, at::kHalf}, {DType::f64, at::kDouble},
    {DType::i8, at::kChar},   {DType::i16, at::kShort},     {DType::i32, at::kInt},  {DType::i64, at::kLong},
    {DType::u8, at::kByte},   {DType::boolean, at::kBool},
};

DType dtype_of(at::ScalarType type) {
  for (const auto& [ours, theirs] : kTypes)
    if (theirs == type) return ours;
  throw ShapeError(cat("libtorch's type ", at::toString(type), " is not known here"));
}

}  // namespace

at::ScalarType scalar_type(DType dtype) {
  for (const auto& [ours, theirs] : kTypes)
    if (ours == dtype) return theirs;
  throw ShapeError(cat("libtorch has no arithmetic in ", name(dtype)));
}

Tensor wrap(at::Tensor tensor) {
  auto dense = tensor.contiguous();
  const auto sizes = dense.sizes();
  const Shape shape(std::span<const int64_t>(sizes.data(), sizes.size()));
  const auto dtype = dtype_of(dense.scalar_type());
  return {&table(), std::make_shared<AtenStorage>(std::move(dense)), dtype, shape};
}

at::Tensor unwrap(const Tensor& tensor) {
  if (!tensor.defined() || &tensor.backend() != &table()) throw ShapeError("a tensor of another backend met aten");
  // Only `wrap` makes tensors of this backend.
  const auto& held = static_cast<const AtenStorage&>(*tensor.storage()).tensor;
  const auto span = [](const Shape& shape) { return at::IntArrayRef(shape.span().data(), shape.size()); };
  return held.as_strided(span(tensor.shape()), span(tensor.strides()), held.storage_offset() + tensor.offset());
}

}  // namespace hearth::aten
