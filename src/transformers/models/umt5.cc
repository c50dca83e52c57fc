// umT5: mT5 with relative positions of its own in each layer.
// Source: Chung et al., arXiv:2304.09151; transformers 5.23.0 models/umt5/modeling_umt5.py. Oracle: umt5.
#include "transformers/t5_stack.h"

namespace hearth::transformers::models {
namespace {

constexpr T5Kind kKind{.has_bias_in_each_layer = true};

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  return build_t5_stack(config, p, kKind);
}
Result<std::unique_ptr<TextModel>> build_encoder(const Config& config, const Params& p) {
  return build_t5_encoder(config, p, kKind);
}

/// transformers scales whatever tie_word_embeddings says: the class sets it.
Result<std::unique_ptr<Head>> lm_head_of_decoder(const Config& config, const Params& root) {
  return t5_lm_head(config, root, true);
}

}  // namespace

extern constinit const Family umt5_entry{
    .model_types = {"umt5"},
    .base_model_prefix = "transformer",
    .heads = {{"UMT5ForConditionalGeneration", Task::seq2seq_lm, lm_head_of_decoder},
              {"UMT5Model", Task::base},
              {"UMT5EncoderModel", Task::text_encoding, nullptr, build_encoder},
              {"UMT5ForSequenceClassification", Task::sequence_classification, classifier_of_last_eos},
              {"UMT5ForTokenClassification", Task::token_classification, classifier_of_tokens, build_encoder},
              {"UMT5ForQuestionAnswering", Task::question_answering, qa_outputs}},
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
