// Qwen3-MoE: Qwen3's layers, most of them with experts in place of the feed-forward part.
// Source: transformers 5.23.0 models/qwen3_moe/modeling_qwen3_moe.py. Oracle: qwen3-moe.
#include <algorithm>

#include "transformers/gated_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  ConfigReader read(c.raw);
  const ExpertKind experts{.experts = read.size("num_experts", read.size("num_local_experts", 128)),
                           .experts_per_token = read.size("num_experts_per_tok", 8),
                           .intermediate_size = read.size("moe_intermediate_size", 768),
                           .is_normalized = read.flag("norm_topk_prob", false)};
  const auto step = read.size("decoder_sparse_step", 1);
  const auto dense = read.integers("mlp_only_layers");
  const bool slides = read.flag("use_sliding_window", false);
  TRY(read.take());
  std::vector<GatedLayerKind> kinds;
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    auto& kind = kinds.emplace_back(GatedLayerKind{.qkv_bias = bias_if(c.attention_bias),
                                                   .o_bias = bias_if(c.attention_bias),
                                                   .has_qk_norm = true,
                                                   .window = slides ? c.sliding_window : 0});
    const bool is_sparse = std::ranges::find(dense, i) == dense.end() && (i + 1) % step == 0;
    if (is_sparse) kind.experts = experts;
  }
  return build_gated_decoder(c, p, kinds);
}

}  // namespace

extern constinit const Family qwen3_moe_entry{
    .model_types = {"qwen3_moe"},
    .heads = {{"Qwen3MoeForCausalLM", Task::causal_lm, lm_head},
              {"Qwen3MoeModel", Task::base},
              {"Qwen3MoeForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"Qwen3MoeForTokenClassification", Task::token_classification, score_of_tokens},
              {"Qwen3MoeForQuestionAnswering", Task::question_answering, qa_outputs}},
    .gguf = {"qwen3moe"},
    .attribute_map = {{"num_experts", "num_local_experts"}},
    .defaults = R"({"num_key_value_heads": 4, "sliding_window": 4096, "max_position_embeddings": 32768})",
    .build = build};

}  // namespace hearth::transformers::models
