// DeepSeek-V2: LLaMA's layers with latent attention and, from some layer on, experts beside one that every token reads.
// Source: DeepSeek-AI, arXiv:2405.04434; transformers 5.23.0 models/deepseek_v2/modeling_deepseek_v2.py.
// Oracle: deepseek-v2, deepseek-v2-groups.
#include "base/text.h"
#include "transformers/gated_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  ConfigReader read(c.raw);
  const auto method = read.text("topk_method", "greedy");
  const bool is_grouped = method == "group_limited_greedy";
  if (!is_grouped && method != "greedy")
    read.fail(cat("config.json: topk_method '", method, "' is not known (greedy, group_limited_greedy)"));
  const auto inner = read.size("moe_intermediate_size", 1407);
  const ExpertKind experts{.experts = read.size("n_routed_experts", 64),
                           .experts_per_token = read.size("num_experts_per_tok"),
                           .intermediate_size = inner,
                           .is_normalized = false,
                           .factor = read.number("routed_scaling_factor", 1),
                           .groups = is_grouped ? read.size("n_group") : 0,
                           .groups_per_token = is_grouped ? read.size("topk_group") : 0,
                           .shared_intermediate_size = inner * read.size("n_shared_experts", 2),
                           .shared_bias = bias_if(c.mlp_bias)};
  const auto dense = read.integer("first_k_dense_replace", 0);
  TRY(read.take());
  const auto latent = TRY(LatentKind::read(c));
  std::vector<GatedLayerKind> kinds;
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    auto& kind = kinds.emplace_back(GatedLayerKind{.mlp_bias = bias_if(c.mlp_bias), .latent = latent});
    if (i >= dense) kind.experts = experts;
  }
  return build_gated_decoder(c, p, kinds);
}

}  // namespace

extern constinit const Family deepseek_v2_entry{
    .model_types = {"deepseek_v2"},
    .heads = {{"DeepseekV2ForCausalLM", Task::causal_lm, lm_head},
              {"DeepseekV2Model", Task::base},
              {"DeepseekV2ForSequenceClassification", Task::sequence_classification, score_of_last_token}},
    .gguf = {"deepseek2"},
    .attribute_map = {{"n_routed_experts", "num_experts"}},
    .defaults = R"({"max_position_embeddings": 2048, "eos_token_id": 2, "q_lora_rank": 1536})",
    .build = build};

}  // namespace hearth::transformers::models
