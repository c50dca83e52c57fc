// Qwen3: LLaMA's layers whose heads of Q and K are normalized before they turn.
// Source: transformers 5.23.0 models/qwen3/modeling_qwen3.py, configuration_qwen3.py (layer_types). Oracle: qwen3.
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
    kinds.push_back({.qkv_bias = bias_if(c.attention_bias),
                     .o_bias = bias_if(c.attention_bias),
                     .has_qk_norm = true,
                     .window = slides && is_sliding ? c.sliding_window : 0});
  }
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
    .defaults = R"({"num_key_value_heads": 32, "head_dim": 128, "sliding_window": 4096,
                    "max_position_embeddings": 32768})",
    .build = build};

}  // namespace hearth::transformers::models
