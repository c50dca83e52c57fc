#include "tensor/ops.h"

namespace hearth {

std::vector<float> to_vector(const Tensor& x) {
  std::vector<float> out(static_cast<size_t>(x.numel()));
  x.backend().to_host(x, out);
  return out;
}

int64_t argmax(std::span<const float> values) {
  return kernels::argmax(values.data(), static_cast<int64_t>(values.size()));
}

}  // namespace hearth
