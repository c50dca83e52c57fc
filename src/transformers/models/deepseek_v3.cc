// DeepSeek-V3 and R1: DeepSeek-V2 whose router judges each expert by itself (sigmoid), picks with a correction that
// keeps the experts evenly busy and weighs without it.
// Source: DeepSeek-AI, arXiv:2412.19437; transformers 5.23.0 models/deepseek_v3/modeling_deepseek_v3.py.
// Oracle: deepseek-v3, deepseek-v3-plain.
#include "transformers/gated_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  ConfigReader read(c.raw);
  const auto inner = read.size("moe_intermediate_size", 2048);
  const ExpertKind experts{.experts = read.size("n_routed_experts", 256),
                           .experts_per_token = read.size("num_experts_per_tok", 8),
                           .intermediate_size = inner,
                           .is_normalized = read.flag("norm_topk_prob", true),
                           .score = RouterScore::sigmoid,
                           .has_correction = true,
                           .factor = read.number("routed_scaling_factor", 2.5),
                           .groups = read.size("n_group", 8),
                           .groups_per_token = read.size("topk_group", 4),
                           .shared_intermediate_size = inner * read.size("n_shared_experts", 1)};
  const auto dense = read.integer("first_k_dense_replace", 3);
  const auto later_tokens = read.integer("num_nextn_predict_layers", 1);
  const bool has_pairs = read.flag("rope_interleave", true);
  TRY(read.take());
  auto latent = TRY(LatentKind::read(c));
  latent.has_pairs = has_pairs;
  std::vector<GatedLayerKind> kinds;
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    auto& kind = kinds.emplace_back(GatedLayerKind{.latent = latent});
    if (i >= dense) kind.experts = experts;
  }
  // Layers behind the last guess tokens further ahead; they serve speculative decoding alone.
  for (int64_t i = 0; i < later_tokens; ++i)
    p.store().ignore_prefix((p / "layers" / (c.num_hidden_layers + i)).name(""));
  return build_gated_decoder(c, p, kinds);
}

}  // namespace

extern constinit const Family deepseek_v3_entry{
    .model_types = {"deepseek_v3"},
    .heads = {{"DeepseekV3ForCausalLM", Task::causal_lm, lm_head},
              {"DeepseekV3Model", Task::base},
              {"DeepseekV3ForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"DeepseekV3ForTokenClassification", Task::token_classification, score_of_tokens}},
    .attribute_map = {{"n_routed_experts", "num_local_experts"}, {"num_nextn_predict_layers", "num_mtp_layers"}},
    .defaults = R"({"max_position_embeddings": 4096, "eos_token_id": 1, "q_lora_rank": 1536})",
    .build = build};

}  // namespace hearth::transformers::models
