// Gemma 2: sliding and full layers in turn, scores and logits capped.
// Source: transformers 5.23.0 models/gemma2/configuration_gemma2.py. Oracle: gemma2.
#include "transformers/gemma_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  return build_gemma_decoder(c, p, {.sliding_window_pattern = 2});
}

}  // namespace

extern constinit const Family gemma2_entry{
    .model_types = {"gemma2"},
    .heads = {{"Gemma2ForCausalLM", Task::causal_lm, lm_head},
              {"Gemma2Model", Task::base},
              {"Gemma2ForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"Gemma2ForTokenClassification", Task::token_classification, score_of_tokens}},
    .gguf = {"gemma2"},
    .attribute_map = {{"hidden_act", "hidden_activation"}},
    .defaults = R"({"head_dim": 256, "num_key_value_heads": 4, "hidden_act": "gelu_pytorch_tanh",
                    "max_position_embeddings": 8192, "tie_word_embeddings": true, "sliding_window": 4096,
                    "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, "pad_token_id": 0,
                    "eos_token_id": 1})",
    .build = build};

}  // namespace hearth::transformers::models
