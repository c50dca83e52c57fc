// SmolLM3: LLaMA's layers, of which every `no_rope_layer_interval`-th has no positions.
// Source: transformers 5.23.0 models/smollm3/modeling_smollm3.py, configuration_smollm3.py. Oracle: smollm3.
#include "transformers/gated_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  ConfigReader read(c.raw);
  const auto interval = read.size("no_rope_layer_interval", 4);
  const auto listed = read.integers("no_rope_layers");  // 1 where a layer has positions
  const bool slides = read.flag("use_sliding_window", false);
  if (!listed.empty() && static_cast<int64_t>(listed.size()) < c.num_hidden_layers)
    read.fail("config.json: no_rope_layers has fewer entries than there are layers");
  TRY(read.take());
  std::vector<GatedLayerKind> kinds;
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    const bool has_rope = listed.empty() ? (i + 1) % interval != 0 : listed[static_cast<size_t>(i)] != 0;
    // Without layer_types a layer slides where it has no positions.
    const bool is_sliding = c.layer_types.empty() ? !has_rope : window_of(c, i) > 0;
    kinds.push_back({.qkv_bias = bias_if(c.attention_bias),
                     .o_bias = bias_if(c.attention_bias),
                     .mlp_bias = bias_if(c.mlp_bias),
                     .has_rope = has_rope,
                     .window = slides && is_sliding ? c.sliding_window : 0});
  }
  return build_gated_decoder(c, p, kinds);
}

}  // namespace

extern constinit const Family smollm3_entry{
    .model_types = {"smollm3"},
    .heads = {{"SmolLM3ForCausalLM", Task::causal_lm, lm_head},
              {"SmolLM3Model", Task::base},
              {"SmolLM3ForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"SmolLM3ForTokenClassification", Task::token_classification, score_of_tokens},
              {"SmolLM3ForQuestionAnswering", Task::question_answering, qa_outputs}},
    .gguf = {"smollm3"},
    .defaults = R"({"num_key_value_heads": 4, "rope_theta": 2000000.0, "max_position_embeddings": 32768,
                    "tie_word_embeddings": true, "pad_token_id": 128004, "eos_token_id": 128001})",
    .build = build};

}  // namespace hearth::transformers::models
