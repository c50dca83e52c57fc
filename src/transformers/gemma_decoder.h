// The stack of Gemma 2 and 3: Gemma's decoder with a norm before and after each part, sliding and full layers in turn.
// Gemma 2 caps its scores; Gemma 3 normalizes each head of Q and K and turns sliding layers by frequencies of their
// own. Source: transformers 5.23.0 models/gemma2/modeling_gemma2.py, models/gemma3/modeling_gemma3.py and their
// configurations (layer_types, rope_local_base_freq).
#pragma once

#include <memory>

#include "transformers/text_model.h"

namespace hearth {

struct GemmaDecoderKind {
  bool has_qk_norm = false;
  bool has_local_rope = false;         ///< `rope_local_base_freq` of sliding layers, where rope_parameters has none
  int64_t sliding_window_pattern = 2;  ///< without layer_types every so manieth layer sees all tokens
};

Result<std::unique_ptr<TextModel>> build_gemma_decoder(const Config& config, const Params& p,
                                                       const GemmaDecoderKind& kind);

}  // namespace hearth
