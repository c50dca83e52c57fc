// Gemma: LLaMA's layers with norms that store their weight minus one, embeddings times sqrt(hidden_size), and GeGLU.
// Source: transformers 5.23.0 models/gemma/modeling_gemma.py, configuration_gemma.py. Oracle: gemma.
#include <cmath>

#include "transformers/gated_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  constexpr float kOffset = 1;
  const GatedLayerKind kind{
      .qkv_bias = bias_if(c.attention_bias), .o_bias = bias_if(c.attention_bias), .norm_offset = kOffset};
  GatedDecoderOptions options{.embedding_scale = std::sqrt(static_cast<double>(c.hidden_size)), .norm_offset = kOffset};
  options.frequencies.push_back(TRY(RopeFrequencies::from(c)));
  // Released files say "gelu" and mean the tanh formula, with which the model was trained.
  const auto act = c.hidden_act == "gelu" ? Activation::gelu_tanh : TRY(activation_by_name(c.hidden_act));
  const std::vector kinds(static_cast<size_t>(c.num_hidden_layers), kind);
  return std::unique_ptr<TextModel>(std::make_unique<GatedDecoder>(c, p, act, kinds, std::move(options)));
}

}  // namespace

extern constinit const Family gemma_entry{
    .model_types = {"gemma"},
    .heads = {{"GemmaForCausalLM", Task::causal_lm, lm_head},
              {"GemmaModel", Task::base},
              {"GemmaForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"GemmaForTokenClassification", Task::token_classification, score_of_tokens}},
    .gguf = {"gemma"},
    .defaults = R"({"head_dim": 256, "hidden_act": "gelu_pytorch_tanh", "max_position_embeddings": 8192,
                    "tie_word_embeddings": true, "pad_token_id": 0, "eos_token_id": 1})",
    .build = build};

}  // namespace hearth::transformers::models
