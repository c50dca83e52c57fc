// tf_model.h5: the weights of a Keras model, under TensorFlow's names.
// Source: tf_keras 2.21 saving/legacy/hdf5_format.py (save_weights_to_hdf5_group: a group a layer, whose attribute
// weight_names lists its arrays; save_attributes_to_hdf5_group: long lists in pieces, weight_names0 and on);
// transformers 4.57 modeling_tf_utils.py save_pretrained (shards: layer_names lists the arrays themselves).
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "safetensors/file.h"

namespace hearth {

/// The arrays, as views of the file, each name once. Names are the variables' without the model's own
/// ("bert/embeddings/LayerNorm/gamma" of "tf_bert_model/bert/embeddings/LayerNorm/gamma:0"). bad_input when the file is
/// cut or lists what it does not hold; unsupported for HDF5 that Keras does not write.
Result<WeightIndex> read_tf_file(std::span<const std::byte> file);

}  // namespace hearth
