// T5: encoder and decoder with relative positions; v1.1 has gated feed-forward parts and an lm_head of its own.
// Source: Raffel et al., arXiv:1910.10683; transformers 5.23.0 models/t5/modeling_t5.py. Oracle: t5, t5-v1_1.
#include "transformers/t5_stack.h"

namespace hearth::transformers::models {
namespace {

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  return build_t5_stack(config, p, {});
}
Result<std::unique_ptr<TextModel>> build_encoder(const Config& config, const Params& p) {
  return build_t5_encoder(config, p, {});
}

/// v1.0's decoder output is scaled. Older files say so by tie_word_embeddings alone.
/// Source: configuration_t5.py __post_init__.
Result<std::unique_ptr<Head>> lm_head_of_decoder(const Config& config, const Params& root) {
  const bool is_tied = config.raw["tie_word_embeddings"].as_bool(true);
  return t5_lm_head(config, root, config.raw["scale_decoder_outputs"].as_bool(is_tied));
}

}  // namespace

extern constinit const Family t5_entry{
    .model_types = {"t5"},
    .base_model_prefix = "transformer",
    .heads = {{"T5ForConditionalGeneration", Task::seq2seq_lm, lm_head_of_decoder},
              {"T5ForConditionalGeneration", Task::pre_training, lm_head_of_decoder},
              {"T5Model", Task::base},
              {"T5EncoderModel", Task::text_encoding, nullptr, build_encoder},
              {"T5ForSequenceClassification", Task::sequence_classification, classifier_of_last_eos},
              {"T5ForTokenClassification", Task::token_classification, classifier_of_tokens, build_encoder},
              {"T5ForQuestionAnswering", Task::question_answering, qa_outputs}},
    .gguf = {"t5"},
    .attribute_map = {{"hidden_size", "d_model"},
                      {"num_hidden_layers", "num_layers"},
                      {"num_attention_heads", "num_heads"},
                      {"head_dim", "d_kv"},
                      {"rms_norm_eps", "layer_norm_epsilon"}},
    .defaults =
        R"({"hidden_size": 512, "num_hidden_layers": 6, "num_attention_heads": 8, "vocab_size": 32128, "head_dim": 64,
                    "rms_norm_eps": 1e-6, "max_position_embeddings": 1048576, "pad_token_id": 0, "eos_token_id": 1,
                    "decoder_start_token_id": 0})",
    .input_embeddings = "shared",
    .output_embeddings = nullptr,  // the stack ties them
    .build = build};

}  // namespace hearth::transformers::models
