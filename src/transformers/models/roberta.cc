// RoBERTa, XLM-RoBERTa and CamemBERT: BERT's layers with positions that begin after the pad token's id, and heads of
// their own.
// Source: Liu et al., arXiv:1907.11692; transformers 5.23.0 models/roberta/modeling_roberta.py. Oracle: roberta,
// xlm-roberta.
#include "transformers/bert_encoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

/// layer_norm(gelu(dense(x))) and the decoder.
class RobertaLMHead final : public RowHead {
 public:
  RobertaLMHead(const Config& c, const Params& p)
      : dense_(p / "dense", c.hidden_size, c.hidden_size, Bias::present),
        norm_(p / "layer_norm", c.hidden_size, c.layer_norm_eps),
        decoder_(p / "decoder", c.hidden_size, c.vocab_size, Bias::present) {}
  Tensor logits(const Tensor& hidden) const override {
    return decoder_(norm_(activation(dense_(hidden), Activation::gelu)));
  }

 private:
  Linear dense_;
  LayerNorm norm_;
  Linear decoder_;
};

/// out_proj(tanh(dense(the first row))).
class RobertaClassificationHead final : public Head {
 public:
  RobertaClassificationHead(const Config& c, const Params& p)
      : dense_(p / "dense", c.hidden_size, c.hidden_size, Bias::present),
        out_proj_(p / "out_proj", c.hidden_size, c.num_labels, Bias::present) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    out.logits = out_proj_(activation(dense_(index_select(hidden, first_rows(batch))), Activation::tanh));
  }

 private:
  Linear dense_, out_proj_;
};

Result<std::unique_ptr<Head>> masked_lm(const Config& c, const Params& root) {
  root.store().tie("lm_head.decoder.bias", "lm_head.bias");  // files have it under the second name, or both
  return std::unique_ptr<Head>(std::make_unique<RobertaLMHead>(c, root / "lm_head"));
}

Result<std::unique_ptr<Head>> classification(const Config& c, const Params& root) {
  return std::unique_ptr<Head>(std::make_unique<RobertaClassificationHead>(c, root / "classifier"));
}

Result<std::unique_ptr<Head>> pooler(const Config& c, const Params& root) {
  return bert_pooler(c, root.store().has_prefix("roberta.") ? root / "roberta" : root);
}

Result<std::unique_ptr<Head>> multiple_choice(const Config& c, const Params& root) {
  return bert_classifier(c, root.store().has_prefix("roberta.") ? root / "roberta" : root, root / "classifier", 1);
}

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  return build_bert_encoder(config, p, positions_after_pad);
}

}  // namespace

extern constinit const Family roberta_entry{
    .model_types = {"roberta", "xlm-roberta", "camembert"},
    .base_model_prefix = "roberta",
    .heads = {{"RobertaModel", Task::base, pooler},
              {"RobertaForMaskedLM", Task::masked_lm, masked_lm},
              {"RobertaForCausalLM", Task::causal_lm, masked_lm},
              {"RobertaForSequenceClassification", Task::sequence_classification, classification},
              {"RobertaForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"RobertaForQuestionAnswering", Task::question_answering, qa_outputs},
              {"RobertaForMultipleChoice", Task::multiple_choice, multiple_choice},
              {"XLMRobertaModel", Task::base, pooler},
              {"XLMRobertaForMaskedLM", Task::masked_lm, masked_lm},
              {"XLMRobertaForCausalLM", Task::causal_lm, masked_lm},
              {"XLMRobertaForSequenceClassification", Task::sequence_classification, classification},
              {"XLMRobertaForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"XLMRobertaForQuestionAnswering", Task::question_answering, qa_outputs},
              {"XLMRobertaForMultipleChoice", Task::multiple_choice, multiple_choice},
              {"CamembertModel", Task::base, pooler},
              {"CamembertForMaskedLM", Task::masked_lm, masked_lm},
              {"CamembertForCausalLM", Task::causal_lm, masked_lm},
              {"CamembertForSequenceClassification", Task::sequence_classification, classification},
              {"CamembertForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"CamembertForQuestionAnswering", Task::question_answering, qa_outputs},
              {"CamembertForMultipleChoice", Task::multiple_choice, multiple_choice}},
    .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-12, "tie_word_embeddings": true, "pad_token_id": 1,
                    "max_position_embeddings": 512})",
    .input_embeddings = "embeddings.word_embeddings",
    .output_embeddings = "lm_head.decoder",
    .build = build};

}  // namespace hearth::transformers::models
