// Qwen3: LLaMA's layers whose heads of Q and K are normalized before they turn.
// Source: transformers 5.23.0 models/qwen3/modeling_qwen3.py, configuration_qwen3.py (layer_types). Oracle: qwen3.
#include "transformers/gated_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  const auto kinds = TRY(sliding_from_a_layer_on(
      c, {.qkv_bias = bias_if(c.attention_bias), .o_bias = bias_if(c.attention_bias), .has_qk_norm = true}));
  return build_gated_decoder(c, p, kinds);
}

}  // namespace

extern constinit const Family qwen3_entry{
    .model_types = {"qwen3"},
    .heads = {{"Qwen3ForCausalLM", Task::causal_lm, lm_head},
              {"Qwen3Model", Task::base},
              {"Qwen3ForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"Qwen3ForTokenClassification", Task::token_classification, score_of_tokens},
              {"Qwen3ForQuestionAnswering", Task::question_answering, qa_outputs}},
    .gguf = {"qwen3"},
    .defaults = R"({"num_key_value_heads": 32, "head_dim": 128, "sliding_window": 4096,
                    "max_position_embeddings": 32768})",
    .build = build};

}  // namespace hearth::transformers::models
