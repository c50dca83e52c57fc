// The operations that text models need, under ATen's names; each runs on the backend of its first operand.
// Shapes are those of tensor/backend.h: activations [rows, width], heads [rows, heads, head_dim].
#pragma once

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "tensor/backend.h"
#include "tensor/tensor.h"

namespace hearth {

/// Of a temporary it may work in place.
inline Tensor activation(Tensor x, Activation act) {
  const auto& backend = x.backend();
  return backend.activation(std::move(x), act);
}
inline Tensor silu(Tensor x) {
  return activation(std::move(x), Activation::silu);
}
inline Tensor scale(const Tensor& x, double factor) {
  return x.backend().scale(x, factor);
}
inline Tensor contiguous(const Tensor& x) {
  return x.backend().contiguous(x);
}
inline Tensor cat(std::initializer_list<Tensor> tensors, int64_t dimension) {
  return tensors.begin()->backend().cat({tensors.begin(), tensors.size()}, dimension);
}
inline Tensor matmul_nt(const Tensor& a, const Tensor& b) {
  return a.backend().matmul_nt(a, b);
}
inline Tensor gather(const Tensor& x, std::span<const int32_t> index, int64_t columns) {
  return x.backend().gather(x, index, columns);
}
/// tanh(x / cap) * cap.
inline Tensor softcap(const Tensor& x, double cap) {
  return scale(activation(scale(x, 1 / cap), Activation::tanh), cap);
}
inline Tensor add(const Tensor& a, const Tensor& b) {
  return a.backend().add(a, b);
}
inline Tensor mul(const Tensor& a, const Tensor& b) {
  return a.backend().mul(a, b);
}
inline Tensor softmax(const Tensor& x) {
  return x.backend().softmax(x);
}
inline Tensor index_select(const Tensor& x, std::span<const int64_t> rows) {
  return x.backend().index_select(x, rows);
}
inline Tensor operator+(const Tensor& a, const Tensor& b) {
  return add(a, b);
}
inline Tensor operator*(const Tensor& a, const Tensor& b) {
  return mul(a, b);
}

/// q: [rows, heads, head_dim] -> [rows, heads * head_dim].
inline Tensor attention(const Tensor& q, std::span<const AttentionSequence> sequences,
                        const AttentionOptions& options = {}) {
  return q.backend().attention(q, sequences, options);
}

/// [rows, heads * head_dim] -> [rows, heads, head_dim], a view.
inline Tensor split_heads(Tensor x, int64_t heads) {
  const auto rows = x.size(0), width = x.size(1);
  return std::move(x).view({rows, heads, width / heads});
}

/// The numbers of a tensor on this machine's memory, dense.
std::vector<float> to_vector(const Tensor& x);
/// The index of the largest value, the first of equals, as torch.argmax on the CPU.
int64_t argmax(std::span<const float> values);

}  // namespace hearth
