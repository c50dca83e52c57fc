// Between our thin Tensor and libtorch's. Private to aten/.
#pragma once

#include <ATen/ATen.h>

#include "tensor/backend.h"

namespace hearth::aten {

const Backend& table();

/// libtorch's name of a type; ShapeError when it has none.
at::ScalarType scalar_type(DType dtype);

/// The same numbers as a Tensor of this backend, dense.
Tensor wrap(at::Tensor tensor);

/// The same numbers as libtorch's tensor, without a copy. ShapeError when the Tensor belongs to another backend.
at::Tensor unwrap(const Tensor& tensor);

}  // namespace hearth::aten
