// Gemma 3, text alone: five sliding layers for a full one, heads of Q and K normalized.
// Source: transformers 5.23.0 models/gemma3/configuration_gemma3.py. Oracle: gemma3.
#include "transformers/gemma_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  return build_gemma_decoder(c, p, {.has_qk_norm = true, .has_local_rope = true, .sliding_window_pattern = 6});
}

}  // namespace

extern constinit const Family gemma3_entry{
    .model_types = {"gemma3_text"},
    .heads = {{"Gemma3ForCausalLM", Task::causal_lm, lm_head},
              {"Gemma3TextModel", Task::base},
              {"Gemma3TextForSequenceClassification", Task::sequence_classification, score_of_last_token}},
    .gguf = {"gemma3"},
    .attribute_map = {{"hidden_act", "hidden_activation"}},
    .defaults = R"({"head_dim": 256, "num_key_value_heads": 4, "hidden_act": "gelu_pytorch_tanh",
                    "max_position_embeddings": 131072, "tie_word_embeddings": true, "sliding_window": 4096,
                    "rope_theta": 1000000.0, "pad_token_id": 0, "eos_token_id": 1})",
    .build = build};

}  // namespace hearth::transformers::models
