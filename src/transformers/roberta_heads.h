// The heads that RoBERTa has and MPNet took over.
// Source: transformers 5.23.0 models/roberta/modeling_roberta.py, models/mpnet/modeling_mpnet.py.
#pragma once

#include <memory>

#include "transformers/text_model.h"

namespace hearth {

/// Masked words: the decoder of layer_norm(gelu(dense(x))), all below `lm_head`. -> RowHead
Result<std::unique_ptr<Head>> roberta_lm_head(const Config& config, const Params& root);
/// A text's class: out_proj(tanh(dense(the first row))), below `classifier`.
Result<std::unique_ptr<Head>> roberta_classification_head(const Config& config, const Params& root);

}  // namespace hearth
