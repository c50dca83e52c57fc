// 8-bit floating-point weights, as DeepSeek-V3 and Qwen3-FP8 repositories have them: beside `X.weight` stands
// `X.weight_scale_inv`, a factor for each block of rows and columns.
// Source: transformers 5.23.0 integrations/finegrained_fp8.py; OCP 8-bit floating point specification 1.0.
#pragma once

#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "tensor/backend.h"

namespace hearth {

/// Puts f32 values in the place of every F8_E4M3 and F8_E5M2 tensor and takes the factors away. Arithmetic is that of
/// the stored weights: activations are not rounded, whatever `activation_scheme` says. bad_input names a tensor whose
/// factors do not fit its shape.
Status unpack_fp8(std::vector<WeightSource>& sources, const Json& config);

}  // namespace hearth
