#include "tensor/tensor.h"

#include <algorithm>

#include "base/text.h"

namespace hearth {

Shape::Shape(std::span<const int64_t> sizes) {
  if (sizes.size() > kDimensionsMax)
    throw ShapeError(cat("a tensor of ", sizes.size(), " dimensions; at most ", kDimensionsMax, " are supported"));
  std::copy(sizes.begin(), sizes.end(), sizes_.begin());
  rank_ = sizes.size();
}

int64_t Shape::numel() const {
  int64_t out = 1;
  for (const auto size : *this) out *= size;
  return out;
}

std::string Shape::text() const {
  std::string out = "[";
  for (size_t i = 0; i < rank_; ++i) out += cat(i ? ", " : "", sizes_[i]);
  return out + "]";
}

bool operator==(const Shape& a, const Shape& b) {
  return std::ranges::equal(a.span(), b.span());
}

Shape dense_strides(const Shape& shape) {
  Shape out = shape;
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    out[i] = stride;
    stride *= shape[i];
  }
  return out;
}

size_t Tensor::index_of(int64_t dimension) const {
  const auto index = dimension < 0 ? dimension + dim() : dimension;
  if (index < 0 || index >= dim()) throw ShapeError(cat("dimension ", dimension, " of a tensor ", shape_.text()));
  return static_cast<size_t>(index);
}

int64_t Tensor::size(int64_t dimension) const {
  return shape_[index_of(dimension)];
}

Shape Tensor::view_shape(const Shape& shape) const {
  Shape wanted = shape;
  int64_t known = 1;
  int64_t* open = nullptr;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == -1 && !open) {
      open = &wanted[i];
    } else {
      known *= wanted[i];
    }
  }
  if (open) *open = known > 0 ? numel() / known : 0;
  if (wanted.numel() != numel()) throw ShapeError(cat("view of ", shape_.text(), " as ", shape.text()));
  if (!is_contiguous()) throw ShapeError(cat("view of a tensor ", shape_.text(), " that is not contiguous"));
  return wanted;
}

Tensor Tensor::view(const Shape& shape) const& {
  const auto wanted = view_shape(shape);
  return {backend_, storage_, dtype_, wanted, dense_strides(wanted), offset_};
}

Tensor Tensor::view(const Shape& shape) && {
  const auto wanted = view_shape(shape);
  return {backend_, std::move(storage_), dtype_, wanted, dense_strides(wanted), offset_};
}

Tensor Tensor::narrow(int64_t dimension, int64_t start, int64_t length) const {
  const auto whole = size(dimension);
  if (start < 0 || length < 0 || start + length > whole)
    throw ShapeError(
        cat("narrow(", dimension, ", ", start, ", ", length, ") of a tensor ", shape_.text(), ": out of range"));
  const auto index = index_of(dimension);
  Tensor out = *this;
  out.shape_[index] = length;
  out.offset_ += start * strides_[index];
  return out;
}

Tensor Tensor::transpose(int64_t a, int64_t b) const {
  Tensor out = *this;
  const auto i = index_of(a), j = index_of(b);
  std::swap(out.shape_[i], out.shape_[j]);
  std::swap(out.strides_[i], out.strides_[j]);
  return out;
}

namespace {
void expect(DType found, std::initializer_list<DType> allowed) {
  if (std::ranges::find(allowed, found) == allowed.end())
    throw ShapeError(cat("the numbers of a ", name(found), " tensor were asked for as another type"));
}
}  // namespace

template <>
float* Tensor::data<float>() const {
  expect(dtype_, {DType::f32});
  return reinterpret_cast<float*>(storage_->data()) + offset_;
}
template <>
int32_t* Tensor::data<int32_t>() const {
  expect(dtype_, {DType::i32});
  return reinterpret_cast<int32_t*>(storage_->data()) + offset_;
}
template <>
uint16_t* Tensor::data<uint16_t>() const {
  expect(dtype_, {DType::f16, DType::bf16});
  return reinterpret_cast<uint16_t*>(storage_->data()) + offset_;
}

}  // namespace hearth
