// mT5: T5 v1.1 in many languages.
// Source: Xue et al., arXiv:2010.11934; transformers 5.23.0 models/mt5/modeling_mt5.py. Oracle: mt5.
#include "transformers/t5_stack.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  return build_t5_stack(config, p, {});
}
Result<std::unique_ptr<TextModel>> build_encoder(const Config& config, const Params& p) {
  return build_t5_encoder(config, p, {});
}

Result<std::unique_ptr<Head>> lm_head_of_decoder(const Config& config, const Params& root) {
  return t5_lm_head(config, root, false);
}

}  // namespace

extern constinit const Family mt5_entry{
    .model_types = {"mt5"},
    .base_model_prefix = "transformer",
    .heads = {{"MT5ForConditionalGeneration", Task::seq2seq_lm, lm_head_of_decoder},
              {"MT5Model", Task::base},
              {"MT5EncoderModel", Task::text_encoding, nullptr, build_encoder},
              {"MT5ForSequenceClassification", Task::sequence_classification, classifier_of_last_eos},
              {"MT5ForTokenClassification", Task::token_classification, classifier_of_tokens, build_encoder},
              {"MT5ForQuestionAnswering", Task::question_answering, qa_outputs}},
    .attribute_map = {{"hidden_size", "d_model"},
                      {"num_hidden_layers", "num_layers"},
                      {"num_attention_heads", "num_heads"},
                      {"head_dim", "d_kv"},
                      {"rms_norm_eps", "layer_norm_epsilon"}},
    .defaults =
        R"({"hidden_size": 512, "num_hidden_layers": 8, "num_attention_heads": 6, "vocab_size": 250112, "d_ff": 1024,
                    "feed_forward_proj": "gated-gelu", "head_dim": 64,
                    "rms_norm_eps": 1e-6, "max_position_embeddings": 1048576, "pad_token_id": 0, "eos_token_id": 1,
                    "decoder_start_token_id": 0})",
    .input_embeddings = "shared",
    .output_embeddings = nullptr,  // the stack ties them
    .build = build};

}  // namespace hearth::transformers::models
