// Tensor: a thin array of numbers whose operations are filled in by a backend (tensor/backend.h): native, or libtorch.
// Names follow ATen, so that model files read like the Python they replace. No torch is seen here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "safetensors/dtype.h"

namespace hearth {

struct Backend;

/// A shape or dtype that an operation cannot take: a bug of a model file, or a configuration that contradicts itself.
/// Caught where style section 3 says, never in between.
class ShapeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Sizes or strides of at most six dimensions, kept in place.
class Shape {
 public:
  static constexpr size_t kDimensionsMax = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes) : Shape(std::span<const int64_t>(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const int64_t> sizes);

  size_t size() const { return rank_; }
  int64_t operator[](size_t i) const { return sizes_[i]; }
  int64_t& operator[](size_t i) { return sizes_[i]; }
  const int64_t* begin() const { return sizes_.data(); }
  const int64_t* end() const { return sizes_.data() + rank_; }
  std::span<const int64_t> span() const { return {sizes_.data(), rank_}; }
  /// The product of all sizes; 1 for no dimension.
  int64_t numel() const;
  /// "[2, 3]"
  std::string text() const;
  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<int64_t, kDimensionsMax> sizes_{};
  size_t rank_ = 0;
};

/// The strides of a dense row-major array.
Shape dense_strides(const Shape& shape);

/// The bytes under one or several tensors. A backend may derive from it to keep its own handle alive (an at::Tensor).
class Storage {
 public:
  Storage(std::byte* data, size_t size_bytes) : data_(data), size_bytes_(size_bytes) {}
  virtual ~Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  std::byte* data() const { return data_; }
  size_t size_bytes() const { return size_bytes_; }

 private:
  std::byte* data_;
  size_t size_bytes_;
};

/// A view of a storage. Cheap to copy; copies share the numbers. `strides` and `offset` count elements.
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Backend* backend, std::shared_ptr<Storage> storage, DType dtype, const Shape& shape)
      : Tensor(backend, std::move(storage), dtype, shape, dense_strides(shape), 0) {}
  Tensor(const Backend* backend, std::shared_ptr<Storage> storage, DType dtype, const Shape& shape,
         const Shape& strides, int64_t offset)
      : backend_(backend),
        storage_(std::move(storage)),
        shape_(shape),
        strides_(strides),
        offset_(offset),
        dtype_(dtype) {}

  bool defined() const { return storage_ != nullptr; }
  const Backend& backend() const { return *backend_; }
  const std::shared_ptr<Storage>& storage() const { return storage_; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  const Shape& strides() const { return strides_; }
  int64_t offset() const { return offset_; }
  int64_t dim() const { return static_cast<int64_t>(shape_.size()); }
  /// Size of a dimension; a negative one counts from the end.
  int64_t size(int64_t dimension) const;
  int64_t numel() const { return shape_.numel(); }
  bool is_contiguous() const { return strides_ == dense_strides(shape_); }

  /// The same numbers with another shape; one size may be -1. ShapeError when the count differs or the view is not
  /// contiguous.
  Tensor view(const Shape& shape) const&;
  Tensor view(const Shape& shape) &&;  ///< hands the storage on, so that it has one owner still
  /// `length` entries of a dimension from `start` on, without a copy.
  Tensor narrow(int64_t dimension, int64_t start, int64_t length) const;
  /// Two dimensions exchanged, without a copy.
  Tensor transpose(int64_t a, int64_t b) const;

  /// The numbers, for backends on this machine's memory. ShapeError unless T is the dtype's type.
  template <class T>
  T* data() const;

 private:
  Shape view_shape(const Shape& shape) const;
  size_t index_of(int64_t dimension) const;

  const Backend* backend_ = nullptr;
  std::shared_ptr<Storage> storage_;
  Shape shape_, strides_;
  int64_t offset_ = 0;
  DType dtype_ = DType::f32;
};

template <>
float* Tensor::data<float>() const;
template <>
int32_t* Tensor::data<int32_t>() const;
template <>
uint16_t* Tensor::data<uint16_t>() const;  ///< the bits of f16 or bf16

}  // namespace hearth
