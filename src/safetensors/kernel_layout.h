// Kernels as TensorFlow and JAX lay them out, turned to PyTorch's order.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace hearth {

/// A dense layer's kernel [in, out] as [out, in]; a convolution's [..., in, out] as [out, in, ...]. Elements have
/// `width` bytes; shape has two to four dimensions, which are turned too.
inline std::string turned_kernel(std::span<const std::byte> data, size_t width, std::vector<int64_t>& shape) {
  const auto rank = shape.size();
  std::vector<size_t> order = {rank - 1, rank - 2};
  for (size_t i = 0; i + 2 < rank; ++i) order.push_back(i);
  std::vector<size_t> strides(rank, 1), index(rank), turned;
  for (size_t i = rank; i-- > 1;) strides[i - 1] = strides[i] * static_cast<size_t>(shape[i]);
  for (const auto d : order) turned.push_back(static_cast<size_t>(shape[d]));
  std::string out(data.size(), '\0');
  for (size_t at = 0; at < out.size(); at += width) {
    size_t from = 0;
    for (size_t d = 0; d < rank; ++d) from += index[d] * strides[order[d]];
    std::memcpy(out.data() + at, data.data() + from * width, width);
    for (size_t d = rank; d-- > 0 && ++index[d] == turned[d];) index[d] = 0;
  }
  shape.assign(turned.begin(), turned.end());
  return out;
}

}  // namespace hearth
