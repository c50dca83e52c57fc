// RoBERTa, XLM-RoBERTa and CamemBERT: BERT's layers with positions that begin after the pad token's id, and heads of
// their own.
// Source: Liu et al., arXiv:1907.11692; transformers 5.23.0 models/roberta/modeling_roberta.py. Oracle: roberta,
// xlm-roberta.
#include "transformers/bert_encoder.h"
#include "transformers/roberta_heads.h"

namespace hearth::transformers::models {
namespace {

Params pooler_layer(const Params& root) {
  return (root.store().has_prefix("roberta.") ? root / "roberta" : root) / "pooler" / "dense";
}

Result<std::unique_ptr<Head>> pooler(const Config& c, const Params& root) {
  return bert_pooler(c, pooler_layer(root));
}

Result<std::unique_ptr<Head>> multiple_choice(const Config& c, const Params& root) {
  return bert_classifier(c, pooler_layer(root), root / "classifier", 1);
}

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  return build_bert_encoder(config, p, [](const Config& c, const Batch& batch) {
    return positions_after_pad(c.pad_token_id.value_or(1), batch);
  });
}

}  // namespace

extern constinit const Family roberta_entry{
    .model_types = {"roberta", "xlm-roberta", "camembert"},
    .base_model_prefix = "roberta",
    .heads = {{"RobertaModel", Task::base, pooler},
              {"RobertaForMaskedLM", Task::masked_lm, roberta_lm_head},
              {"RobertaForCausalLM", Task::causal_lm, roberta_lm_head},
              {"RobertaForSequenceClassification", Task::sequence_classification, roberta_classification_head},
              {"RobertaForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"RobertaForQuestionAnswering", Task::question_answering, qa_outputs},
              {"RobertaForMultipleChoice", Task::multiple_choice, multiple_choice},
              {"XLMRobertaModel", Task::base, pooler},
              {"XLMRobertaForMaskedLM", Task::masked_lm, roberta_lm_head},
              {"XLMRobertaForCausalLM", Task::causal_lm, roberta_lm_head},
              {"XLMRobertaForSequenceClassification", Task::sequence_classification, roberta_classification_head},
              {"XLMRobertaForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"XLMRobertaForQuestionAnswering", Task::question_answering, qa_outputs},
              {"XLMRobertaForMultipleChoice", Task::multiple_choice, multiple_choice},
              {"CamembertModel", Task::base, pooler},
              {"CamembertForMaskedLM", Task::masked_lm, roberta_lm_head},
              {"CamembertForCausalLM", Task::causal_lm, roberta_lm_head},
              {"CamembertForSequenceClassification", Task::sequence_classification, roberta_classification_head},
              {"CamembertForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"CamembertForQuestionAnswering", Task::question_answering, qa_outputs},
              {"CamembertForMultipleChoice", Task::multiple_choice, multiple_choice}},
    .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-12, "tie_word_embeddings": true, "pad_token_id": 1,
                    "max_position_embeddings": 512})",
    .input_embeddings = "embeddings.word_embeddings",
    .output_embeddings = "lm_head.decoder",
    .build = build};

}  // namespace hearth::transformers::models
