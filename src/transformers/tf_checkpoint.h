// Weights that transformers' TensorFlow classes wrote (tf_model.h5), as PyTorch's tensors.
// Source: transformers 4.57.6 modeling_tf_pytorch_utils.py (convert_tf_weight_name_to_pt_weight_name, apply_transpose,
// load_tf2_state_dict_in_pytorch_model: the prefix of base models).
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "safetensors/file.h"

namespace hearth {

/// Gives the tensors of read_tf_file the names and shapes of PyTorch's model of that configuration. Kernels are copied
/// (into `strings`), all else stays where it lies. unsupported for a model_type without TensorFlow classes here, and
/// for a tensor whose kind these classes never had.
Status name_tf_tensors(WeightIndex& index, const Json& config);

}  // namespace hearth
