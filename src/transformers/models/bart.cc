// BART: encoder and decoder with a layer norm after each part and learned positions.
// Source: Lewis et al., arXiv:1910.13461; transformers 5.23.0 models/bart/modeling_bart.py. Oracle: bart.
#include "transformers/seq2seq_stack.h"

namespace hearth::transformers::models {
namespace {

constexpr Seq2SeqKind kKind{
    .has_embedding_norm = true, .position_offset = 2, .decoder_inputs = DecoderInputs::after_start_token};

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  return build_seq2seq_stack(config, p, kKind);
}
Result<std::unique_ptr<TextModel>> build_decoder(const Config& config, const Params& p) {
  return build_seq2seq_decoder(config, p, kKind);
}

}  // namespace

extern constinit const Family bart_entry{
    .model_types = {"bart"},
    .heads = {{"BartForConditionalGeneration", Task::seq2seq_lm, seq2seq_lm_head},
              {"BartForConditionalGeneration", Task::pre_training, seq2seq_lm_head},
              {"BartForConditionalGeneration", Task::masked_lm, seq2seq_lm_head},
              {"BartModel", Task::base},
              {"BartForCausalLM", Task::causal_lm, seq2seq_lm_head, build_decoder},
              {"BartForSequenceClassification", Task::sequence_classification, classifier_of_last_eos},
              {"BartForQuestionAnswering", Task::question_answering, qa_outputs}},
    .attribute_map = {{"hidden_size", "d_model"},
                      {"num_hidden_layers", "encoder_layers"},
                      {"num_attention_heads", "encoder_attention_heads"}},
    .defaults = R"({"hidden_size": 1024, "num_hidden_layers": 12, "num_attention_heads": 16, "vocab_size": 50265,
                    "max_position_embeddings": 1024, "pad_token_id": 1, "eos_token_id": 2,
                    "decoder_start_token_id": 2, "num_labels": 3, "tie_word_embeddings": true})",
    .input_embeddings = "shared",
    .build = build};

}  // namespace hearth::transformers::models
