// T5Stack: the encoder and the decoder of T5, mT5 and umT5: parts that read an RMS norm, no biases, attention scores
// without a scale to which a bias of the relative position is added.
// Source: Raffel et al., arXiv:1910.10683; transformers 5.23.0 models/t5, mt5, umt5.
#pragma once

#include <memory>

#include "tensor/params.h"
#include "transformers/heads.h"

namespace hearth {

/// What distinguishes a family.
struct T5Kind {
  bool has_bias_in_each_layer = false;  ///< else the first layer's of a side serves all
};

/// A whole model: a Seq2SeqModel.
Result<std::unique_ptr<TextModel>> build_t5_stack(const Config& config, const Params& p, const T5Kind& kind);
/// The encoder alone: of ...EncoderModel and ...ForTokenClassification.
Result<std::unique_ptr<TextModel>> build_t5_encoder(const Config& config, const Params& p, const T5Kind& kind);
/// lm_head, tied to the embeddings where the file has none. `is_scaled`: of the decoder's output times 1 /
/// sqrt(d_model).
Result<std::unique_ptr<Head>> t5_lm_head(const Config& config, const Params& root, bool is_scaled);

}  // namespace hearth
