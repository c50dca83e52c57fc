// MPNet: BERT's layers with RoBERTa's positions, and a bias of relative positions that all layers share.
// Source: Song et al., arXiv:2004.09297; transformers 5.23.0 models/mpnet/modeling_mpnet.py. Oracle: mpnet.
#include "base/text.h"
#include "transformers/bert_encoder.h"
#include "transformers/heads.h"
#include "transformers/relative_positions.h"
#include "transformers/roberta_heads.h"

namespace hearth::transformers::models {
namespace {

struct Layer {
  Linear q, k, v, o;
  LayerNorm norm;
  BertFeedForward feed_forward;

  Layer(const Params& p, const Config& c)
      : q(p / "attention" / "attn" / "q", c.hidden_size, c.hidden_size, Bias::present),
        k(p / "attention" / "attn" / "k", c.hidden_size, c.hidden_size, Bias::present),
        v(p / "attention" / "attn" / "v", c.hidden_size, c.hidden_size, Bias::present),
        o(p / "attention" / "attn" / "o", c.hidden_size, c.hidden_size, Bias::present),
        norm(p / "attention" / "LayerNorm", c.hidden_size, c.layer_norm_eps),
        feed_forward(p, c) {}

  Tensor operator()(const Config& c, Tensor x, Activation act, std::span<const Tensor> biases, const Batch& batch,
                    size_t index) const {
    auto [queries, keys, values] = project(x, q, k, v);
    const auto heads = c.num_attention_heads;
    const Tensor out =
        batch.attention(index, split_heads(std::move(queries), heads), split_heads(std::move(keys), heads),
                        split_heads(std::move(values), heads), {.causal = false}, biases);
    return feed_forward(norm(o.add_to(std::move(x), out)), act);
  }
};

class MPNetModel final : public TextModel {
 public:
  MPNetModel(const Config& c, const Params& p, Activation act, int64_t buckets)
      : TextModel(c),
        act_(act),
        word_embeddings_(p / "embeddings" / "word_embeddings", c.vocab_size, c.hidden_size),
        position_embeddings_(p / "embeddings" / "position_embeddings", c.max_position_embeddings, c.hidden_size),
        norm_(p / "embeddings" / "LayerNorm", c.hidden_size, c.layer_norm_eps),
        relative_attention_bias_(p / "encoder" / "relative_attention_bias", c.num_attention_heads, {}, buckets) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers_.emplace_back(p / "encoder" / "layer" / i, c);
  }

  Status check(const Batch& batch) const override {
    return check_positions(config(), positions_after_pad(kPad, batch));
  }
  Tensor forward(const Batch& batch) const override {
    Tensor x = norm_(word_embeddings_(batch.ids) + position_embeddings_(positions_after_pad(kPad, batch)));
    const auto biases = relative_attention_bias_(batch);
    batch.record(x);
    for (size_t i = 0; i < layers_.size(); ++i) {
      x = layers_[i](config(), std::move(x), act_, biases, batch, i);
      batch.record(x);
    }
    return x;
  }

 private:
  static constexpr int32_t kPad = 1;  // MPNetEmbeddings.padding_idx, whatever `pad_token_id` says

  Activation act_;
  Embedding word_embeddings_, position_embeddings_;
  LayerNorm norm_;
  RelativeAttentionBias relative_attention_bias_;
  std::vector<Layer> layers_;
};

Params pooler_layer(const Params& root) {
  return (root.store().has_prefix("mpnet.") ? root / "mpnet" : root) / "pooler" / "dense";
}

Result<std::unique_ptr<Head>> pooler(const Config& c, const Params& root) {
  return bert_pooler(c, pooler_layer(root));
}

Result<std::unique_ptr<Head>> multiple_choice(const Config& c, const Params& root) {
  return bert_classifier(c, pooler_layer(root), root / "classifier", 1);
}

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  const auto act = TRY(activation_by_name(config.hidden_act));
  // This sizes the table alone: MPNetEncoder.compute_position_bias always counts 32 buckets.
  ConfigReader read(config.raw);
  const auto buckets = read.size("relative_attention_num_buckets", 32);
  if (buckets < RelativeBuckets{}.num_buckets)
    read.fail(cat("config.json: relative_attention_num_buckets is ", buckets, "; MPNet reads 32 of them"));
  TRY(read.take());
  return std::unique_ptr<TextModel>(std::make_unique<MPNetModel>(config, p, act, buckets));
}

}  // namespace

extern constinit const Family mpnet_entry{
    .model_types = {"mpnet"},
    .base_model_prefix = "mpnet",
    .heads = {{"MPNetModel", Task::base, pooler},
              {"MPNetForMaskedLM", Task::masked_lm, roberta_lm_head},
              {"MPNetForSequenceClassification", Task::sequence_classification, roberta_classification_head},
              {"MPNetForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"MPNetForQuestionAnswering", Task::question_answering, qa_outputs},
              {"MPNetForMultipleChoice", Task::multiple_choice, multiple_choice}},
    .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-12, "tie_word_embeddings": true, "pad_token_id": 1,
                    "max_position_embeddings": 512})",
    .input_embeddings = "embeddings.word_embeddings",
    .output_embeddings = "lm_head.decoder",
    .build = build};

}  // namespace hearth::transformers::models
