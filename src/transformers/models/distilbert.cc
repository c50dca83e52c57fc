// DistilBERT: BERT's layers under other names, without token types and pooler.
// Source: Sanh et al., arXiv:1910.01108; transformers 5.23.0 models/distilbert/modeling_distilbert.py. Oracle:
// distilbert.
#include "transformers/bert_encoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

struct Layer {
  Linear q_lin, k_lin, v_lin, out_lin;
  LayerNorm sa_layer_norm;
  Linear lin1, lin2;
  LayerNorm output_layer_norm;

  Layer(const Params& p, const Config& c)
      : q_lin(p / "attention" / "q_lin", c.hidden_size, c.hidden_size, Bias::present),
        k_lin(p / "attention" / "k_lin", c.hidden_size, c.hidden_size, Bias::present),
        v_lin(p / "attention" / "v_lin", c.hidden_size, c.hidden_size, Bias::present),
        out_lin(p / "attention" / "out_lin", c.hidden_size, c.hidden_size, Bias::present),
        sa_layer_norm(p / "sa_layer_norm", c.hidden_size, c.layer_norm_eps),
        lin1(p / "ffn" / "lin1", c.hidden_size, c.intermediate_size, Bias::present),
        lin2(p / "ffn" / "lin2", c.intermediate_size, c.hidden_size, Bias::present),
        output_layer_norm(p / "output_layer_norm", c.hidden_size, c.layer_norm_eps) {}

  Tensor operator()(const Config& c, Tensor x, Activation act, const Batch& batch, size_t index) const {
    auto [q, k, v] = project(x, q_lin, k_lin, v_lin);
    const auto heads = c.num_attention_heads;
    const Tensor out = batch.attention(index, split_heads(std::move(q), heads), split_heads(std::move(k), heads),
                                       split_heads(std::move(v), heads), {.causal = false});
    x = sa_layer_norm(out_lin.add_to(std::move(x), out));
    const Tensor inner = activation(lin1(x), act);
    return output_layer_norm(lin2.add_to(std::move(x), inner));
  }
};

class DistilBertModel final : public TextModel {
 public:
  DistilBertModel(const Config& c, const Params& p, Activation act)
      : TextModel(c),
        act_(act),
        word_embeddings_(p / "embeddings" / "word_embeddings", c.vocab_size, c.hidden_size),
        position_embeddings_(p / "embeddings" / "position_embeddings", c.max_position_embeddings, c.hidden_size),
        norm_(p / "embeddings" / "LayerNorm", c.hidden_size, c.layer_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers_.emplace_back(p / "transformer" / "layer" / i, c);
  }

  Status check(const Batch& batch) const override { return check_positions(config(), batch.positions); }
  Tensor forward(const Batch& batch) const override {
    Tensor x = norm_(word_embeddings_(batch.ids) + position_embeddings_(batch.positions));
    batch.record(x);
    for (size_t i = 0; i < layers_.size(); ++i) {
      x = layers_[i](config(), std::move(x), act_, batch, i);
      batch.record(x);
    }
    return x;
  }

 private:
  Activation act_;
  Embedding word_embeddings_, position_embeddings_;
  LayerNorm norm_;
  std::vector<Layer> layers_;
};

/// vocab_projector(vocab_layer_norm(act(vocab_transform(x)))).
class MaskedLMHead final : public RowHead {
 public:
  MaskedLMHead(const Config& c, const Params& root, Activation act)
      : act_(act),
        vocab_transform_(root / "vocab_transform", c.hidden_size, c.hidden_size, Bias::present),
        vocab_layer_norm_(root / "vocab_layer_norm", c.hidden_size, c.layer_norm_eps),
        vocab_projector_(root / "vocab_projector", c.hidden_size, c.vocab_size, Bias::present) {}
  Tensor logits(const Tensor& hidden) const override {
    return vocab_projector_(vocab_layer_norm_(activation(vocab_transform_(hidden), act_)));
  }

 private:
  Activation act_;
  Linear vocab_transform_;
  LayerNorm vocab_layer_norm_;
  Linear vocab_projector_;
};

/// classifier(relu(pre_classifier(the first row))).
class ClassificationHead final : public Head {
 public:
  ClassificationHead(const Config& c, const Params& root, int64_t outputs)
      : pre_classifier_(root / "pre_classifier", c.hidden_size, c.hidden_size, Bias::present),
        classifier_(root / "classifier", c.hidden_size, outputs, Bias::present) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    out.logits = classifier_(activation(pre_classifier_(index_select(hidden, first_rows(batch))), Activation::relu));
  }

 private:
  Linear pre_classifier_, classifier_;
};

Result<std::unique_ptr<Head>> masked_lm(const Config& c, const Params& root) {
  return std::unique_ptr<Head>(std::make_unique<MaskedLMHead>(c, root, TRY(activation_by_name(c.hidden_act))));
}
Result<std::unique_ptr<Head>> classification(const Config& c, const Params& root) {
  return std::unique_ptr<Head>(std::make_unique<ClassificationHead>(c, root, c.num_labels));
}
Result<std::unique_ptr<Head>> multiple_choice(const Config& c, const Params& root) {
  return std::unique_ptr<Head>(std::make_unique<ClassificationHead>(c, root, 1));
}

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  const auto act = TRY(activation_by_name(config.hidden_act));
  return std::unique_ptr<TextModel>(std::make_unique<DistilBertModel>(config, p, act));
}

}  // namespace

extern constinit const Family distilbert_entry{
    .model_types = {"distilbert"},
    .base_model_prefix = "distilbert",
    .heads = {{"DistilBertModel", Task::base},
              {"DistilBertForMaskedLM", Task::masked_lm, masked_lm},
              {"DistilBertForSequenceClassification", Task::sequence_classification, classification},
              {"DistilBertForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"DistilBertForQuestionAnswering", Task::question_answering, qa_outputs},
              {"DistilBertForMultipleChoice", Task::multiple_choice, multiple_choice}},
    .attribute_map = {{"hidden_size", "dim"},
                      {"num_hidden_layers", "n_layers"},
                      {"num_attention_heads", "n_heads"},
                      {"intermediate_size", "hidden_dim"},
                      {"hidden_act", "activation"}},
    .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-12, "tie_word_embeddings": true, "pad_token_id": 0,
                    "max_position_embeddings": 512})",
    .input_embeddings = "embeddings.word_embeddings",
    .output_embeddings = "vocab_projector",
    .build = build};

}  // namespace hearth::transformers::models
