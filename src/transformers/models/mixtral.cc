// Mixtral: Mistral's layers with experts in place of the feed-forward part.
// Source: Jiang et al., arXiv:2401.04088; transformers 5.23.0 models/mixtral/modeling_mixtral.py. Oracle: mixtral.
#include "transformers/gated_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  ConfigReader read(c.raw);
  const ExpertKind experts{.gate = "w1",
                           .up = "w3",
                           .down = "w2",
                           .experts = read.size("num_local_experts", 8),
                           .experts_per_token = read.size("num_experts_per_tok", 2),
                           .intermediate_size = c.intermediate_size};
  TRY(read.take());
  const GatedLayerKind kind{.mlp = "block_sparse_moe", .experts = experts, .window = c.sliding_window};
  return build_gated_decoder(c, p, std::vector(static_cast<size_t>(c.num_hidden_layers), kind));
}

}  // namespace

extern constinit const Family mixtral_entry{
    .model_types = {"mixtral"},
    .heads = {{"MixtralForCausalLM", Task::causal_lm, lm_head},
              {"MixtralModel", Task::base},
              {"MixtralForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"MixtralForTokenClassification", Task::token_classification, score_of_tokens},
              {"MixtralForQuestionAnswering", Task::question_answering, qa_outputs}},
    .defaults = R"({"num_key_value_heads": 8, "rms_norm_eps": 1e-5, "rope_theta": 1000000.0,
                    "max_position_embeddings": 131072, "eos_token_id": 2})",
    .build = build};

}  // namespace hearth::transformers::models
