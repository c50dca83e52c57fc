// mBART: BART whose parts read a layer norm, with another at each end of the layers. Its decoder starts at the
// language's token, which ends the source.
// Source: Liu et al., arXiv:2001.08210; transformers 5.23.0 models/mbart/modeling_mbart.py. Oracle: mbart.
#include "transformers/seq2seq_stack.h"

namespace hearth::transformers::models {
namespace {

constexpr Seq2SeqKind kKind{.norm_first = true,
                            .has_embedding_norm = true,
                            .position_offset = 2,
                            .decoder_inputs = DecoderInputs::after_last_token};

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  return build_seq2seq_stack(config, p, kKind);
}
Result<std::unique_ptr<TextModel>> build_decoder(const Config& config, const Params& p) {
  return build_seq2seq_decoder(config, p, kKind);
}

}  // namespace

extern constinit const Family mbart_entry{
    .model_types = {"mbart"},
    .heads = {{"MBartForConditionalGeneration", Task::seq2seq_lm, seq2seq_lm_head},
              {"MBartForConditionalGeneration", Task::masked_lm, seq2seq_lm_head},
              {"MBartModel", Task::base},
              {"MBartForCausalLM", Task::causal_lm, seq2seq_lm_head, build_decoder},
              {"MBartForSequenceClassification", Task::sequence_classification, classifier_of_last_eos},
              {"MBartForQuestionAnswering", Task::question_answering, qa_outputs}},
    .attribute_map = {{"hidden_size", "d_model"},
                      {"num_hidden_layers", "encoder_layers"},
                      {"num_attention_heads", "encoder_attention_heads"}},
    .defaults = R"({"hidden_size": 1024, "num_hidden_layers": 12, "num_attention_heads": 16, "vocab_size": 50265,
                    "max_position_embeddings": 1024, "pad_token_id": 1, "eos_token_id": 2,
                    "tie_word_embeddings": true})",
    .input_embeddings = "shared",
    .build = build};

}  // namespace hearth::transformers::models
