// Phi-3: LLaMA's layers with Q, K and V in one matrix, gate and up in another, and longrope positions.
// Source: Abdin et al., arXiv:2404.14219; transformers 5.23.0 models/phi3/modeling_phi3.py. Oracle: phi3.
#include "transformers/gated_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  const GatedLayerKind kind{.is_fused = true, .window = c.sliding_window};
  // Phi3ForCausalLM.prepare_inputs_for_generation: the keys of short positions are thrown away with the short factors.
  const auto& rope = c.rope_parameters;
  return build_gated_decoder(
      c, p, std::vector(static_cast<size_t>(c.num_hidden_layers), kind),
      {.rereads_after = rope.rope_type == "longrope" ? rope.original_max_position_embeddings : 0});
}

}  // namespace

extern constinit const Family phi3_entry{
    .model_types = {"phi3"},
    .heads = {{"Phi3ForCausalLM", Task::causal_lm, lm_head},
              {"Phi3Model", Task::base},
              {"Phi3ForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"Phi3ForTokenClassification", Task::token_classification, score_of_tokens}},
    .gguf = {"phi3"},
    .defaults = R"({"num_key_value_heads": 32, "rms_norm_eps": 1e-5, "max_position_embeddings": 4096,
                    "original_max_position_embeddings": 4096, "pad_token_id": 32000, "eos_token_id": 32000})",
    .build = build};

}  // namespace hearth::transformers::models
