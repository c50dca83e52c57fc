// Mistral: LLaMA's layers, each of which sees `sliding_window` tokens.
// Source: Jiang et al., arXiv:2310.06825; transformers 5.23.0 models/mistral/modeling_mistral.py. Oracle: mistral.
#include "transformers/gated_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  const GatedLayerKind kind{.window = c.sliding_window};
  return build_gated_decoder(c, p, std::vector(static_cast<size_t>(c.num_hidden_layers), kind));
}

}  // namespace

extern constinit const Family mistral_entry{
    .model_types = {"mistral"},
    .heads = {{"MistralForCausalLM", Task::causal_lm, lm_head},
              {"MistralModel", Task::base},
              {"MistralForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"MistralForTokenClassification", Task::token_classification, score_of_tokens},
              {"MistralForQuestionAnswering", Task::question_answering, qa_outputs}},
    .defaults = R"({"num_key_value_heads": 8, "sliding_window": 4096, "max_position_embeddings": 131072,
                    "eos_token_id": 2})",
    .build = build};

}  // namespace hearth::transformers::models
