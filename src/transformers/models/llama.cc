// Llama: decoder with RMSNorm, rotary positions, grouped-query attention and SwiGLU.
// Source: transformers 5.23.0 models/llama/modeling_llama.py. Oracle: llama2, llama3, deepseek-coder, llama-yarn.
#include "transformers/gated_decoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  const GatedLayerKind kind{
      .qkv_bias = bias_if(c.attention_bias), .o_bias = bias_if(c.attention_bias), .mlp_bias = bias_if(c.mlp_bias)};
  return build_gated_decoder(c, p, std::vector(static_cast<size_t>(c.num_hidden_layers), kind));
}

}  // namespace

extern constinit const Family llama_entry{
    .model_types = {"llama"},
    .heads = {{"LlamaForCausalLM", Task::causal_lm, lm_head},
              {"LlamaModel", Task::base},
              {"LlamaForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"LlamaForTokenClassification", Task::token_classification, score_of_tokens},
              {"LlamaForQuestionAnswering", Task::question_answering, qa_outputs}},
    .gguf = {"llama"},
    .build = build};

}  // namespace hearth::transformers::models
