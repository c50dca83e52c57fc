// Qwen2: LLaMA's layers with biases of Q, K and V; from layer `max_window_layers` on a sliding window, if asked for.
// Source: transformers 5.23.0 models/qwen2/modeling_qwen2.py, configuration_qwen2.py (layer_types). Oracle: qwen2.
#include "transformers/gated_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  const auto kinds = TRY(sliding_from_a_layer_on(c, {.qkv_bias = Bias::present}));
  return build_gated_decoder(c, p, kinds);
}

}  // namespace

extern constinit const Family qwen2_entry{
    .model_types = {"qwen2"},
    .heads = {{"Qwen2ForCausalLM", Task::causal_lm, lm_head},
              {"Qwen2Model", Task::base},
              {"Qwen2ForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"Qwen2ForTokenClassification", Task::token_classification, score_of_tokens},
              {"Qwen2ForQuestionAnswering", Task::question_answering, qa_outputs}},
    .gguf = {"qwen2"},
    .defaults = R"({"num_key_value_heads": 32, "sliding_window": 4096, "max_position_embeddings": 32768})",
    .build = build};

}  // namespace hearth::transformers::models
