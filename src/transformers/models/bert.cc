// BERT: encoder of word pieces with learned positions, and its heads.
// Source: Devlin et al., arXiv:1810.04805; transformers 5.23.0 models/bert/modeling_bert.py. Oracle: bert.
#include "transformers/bert_encoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

/// The pooler of a stack that was saved alone has no prefix.
Params pooler_layer(const Params& root) {
  return (root.store().has_prefix("bert.") ? root / "bert" : root) / "pooler" / "dense";
}

Result<std::unique_ptr<Head>> masked_lm(const Config& c, const Params& root) {
  name_decoder_bias(c, root / "cls" / "predictions");
  return std::unique_ptr<Head>(std::make_unique<BertPredictions>(c, root / "cls" / "predictions",
                                                                 TRY(activation_by_name(c.hidden_act)), c.hidden_size));
}

/// Masked words and whether the second text follows the first.
class PreTrainingHeads final : public Head {
 public:
  PreTrainingHeads(const Config& c, const Params& root, Activation act)
      : predictions_(c, root / "cls" / "predictions", act, c.hidden_size),
        pooler_(pooler_layer(root), c),
        seq_relationship_(root / "cls" / "seq_relationship", c.hidden_size, 2, Bias::present) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    out.prediction_logits = predictions_.logits(hidden);
    out.seq_relationship_logits = seq_relationship_(pooler_(hidden, batch));
  }

 private:
  BertPredictions predictions_;
  BertPooler pooler_;
  Linear seq_relationship_;
};

Result<std::unique_ptr<Head>> pre_training(const Config& c, const Params& root) {
  name_decoder_bias(c, root / "cls" / "predictions");
  return std::unique_ptr<Head>(std::make_unique<PreTrainingHeads>(c, root, TRY(activation_by_name(c.hidden_act))));
}

Result<std::unique_ptr<Head>> pooler(const Config& c, const Params& root) {
  return bert_pooler(c, pooler_layer(root));
}

Result<std::unique_ptr<Head>> sequence_classifier(const Config& c, const Params& root) {
  return bert_classifier(c, pooler_layer(root), root / "classifier", c.num_labels);
}

Result<std::unique_ptr<Head>> choice_classifier(const Config& c, const Params& root) {
  return bert_classifier(c, pooler_layer(root), root / "classifier", 1);
}

Result<std::unique_ptr<Head>> next_sentence(const Config& c, const Params& root) {
  return bert_classifier(c, pooler_layer(root), root / "cls" / "seq_relationship", 2);
}

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  return build_bert_encoder(config, p, [](const Config&, const Batch& batch) { return batch.positions; });
}

}  // namespace

extern constinit const Family bert_entry{
    .model_types = {"bert"},
    .base_model_prefix = "bert",
    .heads = {{"BertModel", Task::base, pooler},
              {"BertForPreTraining", Task::pre_training, pre_training},
              {"BertForMaskedLM", Task::masked_lm, masked_lm},
              {"BertLMHeadModel", Task::causal_lm, masked_lm},
              {"BertForSequenceClassification", Task::sequence_classification, sequence_classifier},
              {"BertForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"BertForQuestionAnswering", Task::question_answering, qa_outputs},
              {"BertForMultipleChoice", Task::multiple_choice, choice_classifier},
              {"BertForNextSentencePrediction", Task::next_sentence_prediction, next_sentence}},
    .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-12, "tie_word_embeddings": true, "pad_token_id": 0,
                    "max_position_embeddings": 512})",
    .input_embeddings = "embeddings.word_embeddings",
    .output_embeddings = "cls.predictions.decoder",
    .build = build};

}  // namespace hearth::transformers::models
