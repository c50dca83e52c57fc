#include "tensor/native_ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/text.h"

namespace hearth::native {
namespace {

ThreadPool& pool() {
  return ThreadPool::shared();
}

/// Copies a strided array, dimension by dimension, into dense memory; `to` moves on by `to_strides`.
void copy(const float* from, const Shape& shape, const Shape& strides, float* to, const Shape& to_strides, size_t at) {
  if (at + 1 == shape.size()) {
    if (strides[at] == 1 && to_strides[at] == 1) {
      std::copy_n(from, shape[at], to);
    } else {
      for (int64_t i = 0; i < shape[at]; ++i) to[i * to_strides[at]] = from[i * strides[at]];
    }
    return;
  }
  for (int64_t i = 0; i < shape[at]; ++i)
    copy(from + i * strides[at], shape, strides, to + i * to_strides[at], to_strides, at + 1);
}

}  // namespace

Tensor contiguous(const Tensor& x) {
  if (x.is_contiguous()) return x;
  Tensor out = empty_f32(x.shape());
  copy(x.data<float>(), x.shape(), x.strides(), out.data<float>(), out.strides(), 0);
  return out;
}

Tensor concat(std::span<const Tensor> tensors, int64_t dimension) {
  if (tensors.empty()) throw ShapeError("cat of no tensors");
  Shape shape = tensors.front().shape();
  const auto axis = static_cast<size_t>(dimension < 0 ? dimension + tensors.front().dim() : dimension);
  if (axis >= shape.size()) throw ShapeError(cat("cat along ", dimension, " of ", shape.text()));
  shape[axis] = 0;
  for (const auto& t : tensors) {
    Shape rest = t.shape();
    if (rest.size() == shape.size()) rest[axis] = shape[axis];
    if (!(rest == shape)) throw ShapeError(cat("cat of ", tensors.front().shape().text(), " and ", t.shape().text()));
    shape[axis] += t.shape()[axis];
  }
  Tensor out = empty_f32(shape);
  int64_t begin = 0;
  for (const auto& t : tensors) {
    const auto place = out.narrow(dimension, begin, t.shape()[axis]);
    copy(t.data<float>(), t.shape(), t.strides(), place.data<float>(), place.strides(), 0);
    begin += t.shape()[axis];
  }
  return out;
}

Tensor layer_norm(const Tensor& x, const NormWeight& norm) {
  const auto width = x.size(-1);
  if (width != norm.weight.numel() || (norm.bias.defined() && norm.bias.numel() != width))
    throw ShapeError(cat("layer_norm of ", x.shape().text(), " by ", norm.weight.numel(), " values"));
  Tensor out = empty_f32(x.shape());
  const float* from = dense(x);
  const float* weight = dense(norm.weight);
  const float* bias = norm.bias.defined() ? dense(norm.bias) : nullptr;
  float* to = out.data<float>();
  const auto eps = static_cast<float>(norm.eps);
  constexpr int64_t kGrain = 16;  // rows
  pool().parallel_for(x.numel() / width, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      kernels::layer_norm(from + row * width, weight, bias, eps, width, to + row * width);
  });
  return out;
}

Tensor scale(const Tensor& x, double factor) {
  Tensor out = empty_f32(x.shape());
  const float* from = dense(x);
  float* to = out.data<float>();
  const auto by = static_cast<float>(factor);
  pool().parallel_for(x.numel(), 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = from[i] * by;
  });
  return out;
}

Tensor index_add(Tensor out, std::span<const int64_t> rows, const Tensor& x, std::span<const float> factors) {
  const auto width = out.size(-1);
  if (out.dim() != 2 || x.dim() != 2 || x.size(1) != width || x.size(0) != static_cast<int64_t>(rows.size()) ||
      rows.size() != factors.size())
    throw ShapeError(cat("index_add of ", x.shape().text(), " to ", out.shape().text()));
  Tensor sum = own(std::move(out));
  const float* from = dense(x);
  for (size_t i = 0; i < rows.size(); ++i, from += width) {
    if (rows[i] < 0 || rows[i] >= sum.size(0)) throw ShapeError(cat("row ", rows[i], " of ", sum.shape().text()));
    float* to = sum.data<float>() + rows[i] * width;
    for (int64_t c = 0; c < width; ++c) to[c] += from[c] * factors[i];
  }
  return sum;
}

Tensor matmul_nt(const Tensor& a, const Tensor& b) {
  if (a.dim() != 3 || b.dim() != 3 || a.size(0) != b.size(0) || a.size(2) != b.size(2))
    throw ShapeError(cat("matmul_nt of ", a.shape().text(), " and ", b.shape().text()));
  const Tensor left = contiguous(a), right = contiguous(b);
  const auto batch = a.size(0), m = a.size(1), n = b.size(1), k = a.size(2);
  Tensor out = empty_f32({batch, m, n});
  pool().parallel_for(batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      kernels::matmul_nt(left.data<float>() + i * m * k, right.data<float>() + i * n * k, m, n, k,
                         out.data<float>() + i * m * n);
  });
  return out;
}

Tensor gather(const Tensor& x, std::span<const int32_t> index, int64_t columns) {
  if (x.dim() != 3 || columns < 0 || static_cast<int64_t>(index.size()) != x.size(1) * columns)
    throw ShapeError(cat("gather of ", index.size(), " places from ", x.shape().text()));
  const auto width = x.size(2), places = static_cast<int64_t>(index.size());
  for (const auto place : index)
    if (place < 0 || place >= width) throw ShapeError(cat("gather: place ", place, " of ", x.shape().text()));
  Tensor out = empty_f32({x.size(0), x.size(1), columns});
  const float* from = dense(x);
  float* to = out.data<float>();
  pool().parallel_for(x.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      for (int64_t i = 0; i < places; ++i)
        to[b * places + i] = from[(b * x.size(1) + i / columns) * width + index[static_cast<size_t>(i)]];
  });
  return out;
}

}  // namespace hearth::native
