// Qwen2: LLaMA's layers with biases of Q, K and V; from layer `max_window_layers` on a sliding window, if asked for.
// Source: transformers 5.23.0 models/qwen2/modeling_qwen2.py, configuration_qwen2.py (layer_types). Oracle: qwen2.
#include "transformers/gated_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  ConfigReader read(c.raw);
  const bool slides = read.flag("use_sliding_window", false);
  const auto first = read.integer("max_window_layers", 28);
  TRY(read.take());
  std::vector<GatedLayerKind> kinds;
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    const bool is_sliding = c.layer_types.empty() ? i >= first : window_of(c, i) > 0;
    kinds.push_back({.qkv_bias = Bias::present, .window = slides && is_sliding ? c.sliding_window : 0});
  }
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
    .defaults = R"({"num_key_value_heads": 32, "sliding_window": 4096, "max_position_embeddings": 32768})",
    .build = build};

}  // namespace hearth::transformers::models
