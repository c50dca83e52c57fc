// ALBERT: BERT with narrow embeddings that a layer widens, and groups of layers that are run again and again.
// Source: Lan et al., arXiv:1909.11942; transformers 5.23.0 models/albert/modeling_albert.py. Oracle: albert.
#include "base/text.h"
#include "transformers/bert_encoder.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

struct Options {
  int64_t embedding_size, type_vocab_size, num_hidden_groups, inner_group_num;
  Activation act;
};

Result<Options> read_options(const Config& c) {
  constexpr int64_t kInnerLayersMax = 10'000;
  ConfigReader read(c.raw);
  Options out{.embedding_size = read.size("embedding_size", 128),
              .type_vocab_size = read.size("type_vocab_size", 2),
              .num_hidden_groups = read.size("num_hidden_groups", 1),
              .inner_group_num = read.size("inner_group_num", 1),
              .act = TRY(activation_by_name(c.hidden_act))};
  if (out.num_hidden_groups > c.num_hidden_layers)
    read.fail(
        cat("config.json: num_hidden_groups is ", out.num_hidden_groups, " for ", c.num_hidden_layers, " layers"));
  if (out.inner_group_num > kInnerLayersMax)
    read.fail(cat("config.json: inner_group_num is ", out.inner_group_num, ", above ", kInnerLayersMax));
  TRY(read.take());
  return out;
}

struct Layer {
  Linear query, key, value, dense;
  LayerNorm attention_norm;
  Linear ffn, ffn_output;
  LayerNorm full_layer_layer_norm;

  Layer(const Params& p, const Config& c)
      : query(p / "attention" / "query", c.hidden_size, c.hidden_size, Bias::present),
        key(p / "attention" / "key", c.hidden_size, c.hidden_size, Bias::present),
        value(p / "attention" / "value", c.hidden_size, c.hidden_size, Bias::present),
        dense(p / "attention" / "dense", c.hidden_size, c.hidden_size, Bias::present),
        attention_norm(p / "attention" / "LayerNorm", c.hidden_size, c.layer_norm_eps),
        ffn(p / "ffn", c.hidden_size, c.intermediate_size, Bias::present),
        ffn_output(p / "ffn_output", c.intermediate_size, c.hidden_size, Bias::present),
        full_layer_layer_norm(p / "full_layer_layer_norm", c.hidden_size, c.layer_norm_eps) {}

  Tensor operator()(const Config& c, Tensor x, Activation act, const Batch& batch) const {
    auto [q, k, v] = project(x, query, key, value);
    const auto heads = c.num_attention_heads;
    const Tensor out = batch.attention(0, split_heads(std::move(q), heads), split_heads(std::move(k), heads),
                                       split_heads(std::move(v), heads), {.causal = false});
    x = attention_norm(dense.add_to(std::move(x), out));
    const Tensor inner = activation(ffn(x), act);
    return full_layer_layer_norm(ffn_output.add_to(std::move(x), inner));
  }
};

class AlbertModel final : public TextModel {
 public:
  AlbertModel(const Config& c, const Params& p, const Options& o)
      : TextModel(c),
        options_(o),
        embeddings_(p / "embeddings", c, o.type_vocab_size, o.embedding_size),
        embedding_hidden_mapping_in_(p / "encoder" / "embedding_hidden_mapping_in", o.embedding_size, c.hidden_size,
                                     Bias::present) {
    for (int64_t group = 0; group < o.num_hidden_groups; ++group)
      for (int64_t i = 0; i < o.inner_group_num; ++i)
        layers_.emplace_back(p / "encoder" / "albert_layer_groups" / group / "albert_layers" / i, c);
  }

  Status check(const Batch& batch) const override { return check_positions(config(), batch.positions); }
  Tensor forward(const Batch& batch) const override {
    const auto& c = config();
    Tensor x = embedding_hidden_mapping_in_(embeddings_(batch, batch.positions));
    batch.record(x);
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
      // As Python divides, for the last bit decides where the groups do not divide the layers evenly.
      const auto group =
          static_cast<int64_t>(static_cast<double>(i) / (static_cast<double>(c.num_hidden_layers) /
                                                         static_cast<double>(options_.num_hidden_groups)));
      for (int64_t inner = 0; inner < options_.inner_group_num; ++inner) {
        const auto& layer = layers_[static_cast<size_t>(group * options_.inner_group_num + inner)];
        x = layer(c, std::move(x), options_.act, batch);
        batch.record(x);
      }
    }
    return x;
  }

 private:
  Options options_;
  BertEmbeddings embeddings_;
  Linear embedding_hidden_mapping_in_;
  std::vector<Layer> layers_;  // group by group
};

Params pooler_layer(const Params& root) {
  return (root.store().has_prefix("albert.") ? root / "albert" : root) / "pooler";
}

/// decoder(LayerNorm(act(dense(x)))), back to the embeddings' width first.
class Predictions final : public RowHead {
 public:
  Predictions(const Config& c, const Params& p, const Options& o)
      : dense_(p / "dense", c.hidden_size, o.embedding_size, Bias::present),
        norm_(p / "LayerNorm", o.embedding_size, c.layer_norm_eps),
        act_(o.act),
        decoder_(p / "decoder", o.embedding_size, c.vocab_size, Bias::present) {}
  Tensor logits(const Tensor& hidden) const override { return decoder_(norm_(activation(dense_(hidden), act_))); }

 private:
  Linear dense_;
  LayerNorm norm_;
  Activation act_;
  Linear decoder_;
};

Result<std::unique_ptr<Head>> masked_lm(const Config& c, const Params& root) {
  name_decoder_bias(c, root / "predictions");
  return std::unique_ptr<Head>(std::make_unique<Predictions>(c, root / "predictions", TRY(read_options(c))));
}

/// Masked words and whether two texts are in their order.
class PreTrainingHeads final : public Head {
 public:
  PreTrainingHeads(const Config& c, const Params& root, const Options& o)
      : predictions_(c, root / "predictions", o),
        pooler_(pooler_layer(root), c),
        sop_classifier_(root / "sop_classifier" / "classifier", c.hidden_size, c.num_labels, Bias::present) {}
  void operator()(const Tensor& hidden, const Batch& batch, ModelOutput& out) const override {
    out.prediction_logits = predictions_.logits(hidden);
    out.sop_logits = sop_classifier_(pooler_(hidden, batch));
  }

 private:
  Predictions predictions_;
  BertPooler pooler_;
  Linear sop_classifier_;
};

Result<std::unique_ptr<Head>> pre_training(const Config& c, const Params& root) {
  name_decoder_bias(c, root / "predictions");
  return std::unique_ptr<Head>(std::make_unique<PreTrainingHeads>(c, root, TRY(read_options(c))));
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

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  return std::unique_ptr<TextModel>(std::make_unique<AlbertModel>(config, p, TRY(read_options(config))));
}

}  // namespace

extern constinit const Family albert_entry{
    .model_types = {"albert"},
    .base_model_prefix = "albert",
    .heads = {{"AlbertModel", Task::base, pooler},
              {"AlbertForPreTraining", Task::pre_training, pre_training},
              {"AlbertForMaskedLM", Task::masked_lm, masked_lm},
              {"AlbertForSequenceClassification", Task::sequence_classification, sequence_classifier},
              {"AlbertForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"AlbertForQuestionAnswering", Task::question_answering, qa_outputs},
              {"AlbertForMultipleChoice", Task::multiple_choice, choice_classifier}},
    .defaults = R"({"vocab_size": 30000, "hidden_size": 4096, "num_hidden_layers": 12, "num_attention_heads": 64,
                    "intermediate_size": 16384, "hidden_act": "gelu_new", "layer_norm_eps": 1e-12,
                    "tie_word_embeddings": true, "pad_token_id": 0, "max_position_embeddings": 512})",
    .input_embeddings = "embeddings.word_embeddings",
    .output_embeddings = "predictions.decoder",
    .build = build};

}  // namespace hearth::transformers::models
