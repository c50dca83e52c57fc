// BLOOM: decoder whose positions are slopes added to the scores (ALiBi); the embeddings are normalized before the first
// layer; Q, K and V of a head lie together in one matrix.
// Source: Le Scao et al., arXiv:2211.05100; transformers 5.23.0 models/bloom/modeling_bloom.py. Oracle: bloom.
#include "transformers/alibi.h"
#include "transformers/fused_qkv.h"
#include "transformers/heads.h"

namespace hearth::transformers::models {
namespace {

struct Layer {
  LayerNorm input_layernorm, post_attention_layernorm;
  Linear q, k, v, dense, dense_h_to_4h, dense_4h_to_h;

  Layer(const Params& p, const Config& c)
      : input_layernorm(p / "input_layernorm", c.hidden_size, c.layer_norm_eps),
        post_attention_layernorm(p / "post_attention_layernorm", c.hidden_size, c.layer_norm_eps),
        q(projection(p, c, QkvPart::q)),
        k(projection(p, c, QkvPart::k)),
        v(projection(p, c, QkvPart::v)),
        dense(p / "self_attention" / "dense", c.hidden_size, c.hidden_size, Bias::present),
        dense_h_to_4h(p / "mlp" / "dense_h_to_4h", c.hidden_size, 4 * c.hidden_size, Bias::present),
        dense_4h_to_h(p / "mlp" / "dense_4h_to_h", 4 * c.hidden_size, c.hidden_size, Bias::present) {}

  /// `is_normal_kept`: what a part gives is added to what its norm gave, not to what the norm read.
  Tensor operator()(const Config& c, bool is_normal_kept, const Tensor& x, std::span<const Tensor> biases,
                    const Batch& batch, size_t index) const {
    const auto heads = c.num_attention_heads;
    const Tensor normal = input_layernorm(x);
    auto [queries, keys, values] = project(normal, q, k, v);
    const Tensor out =
        batch.attention(index, split_heads(std::move(queries), heads), split_heads(std::move(keys), heads),
                        split_heads(std::move(values), heads), {}, biases);
    const Tensor attended = dense.add_to(is_normal_kept ? normal : x, out);
    const Tensor normal_attended = post_attention_layernorm(attended);
    return dense_4h_to_h.add_to(is_normal_kept ? normal_attended : attended,
                                activation(dense_h_to_4h(normal_attended), Activation::gelu_tanh));
  }

 private:
  static Linear projection(const Params& p, const Config& c, QkvPart part) {
    const auto heads = c.num_attention_heads;
    return {p / "self_attention" / "query_key_value", c.hidden_size, c.hidden_size, Bias::present,
            qkv_rows(part, heads, heads, c.hidden_size / heads)};
  }
};

class BloomModel final : public TextModel {
 public:
  BloomModel(const Config& c, const Params& p, bool is_normal_kept)
      : TextModel(c),
        is_normal_kept_(is_normal_kept),
        word_embeddings_(p / "word_embeddings", c.vocab_size, c.hidden_size),
        word_embeddings_layernorm_(p / "word_embeddings_layernorm", c.hidden_size, c.layer_norm_eps),
        ln_f_(p / "ln_f", c.hidden_size, c.layer_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) h_.emplace_back(p / "h" / i, c);
  }

  Tensor forward(const Batch& batch) const override {
    const auto biases =
        alibi(batch, config().num_attention_heads, [](float slope, float position) { return slope * position; });
    return through(h_, word_embeddings_layernorm_(word_embeddings_(batch.ids)), batch, ln_f_,
                   [&](const Layer& layer, const Tensor& x, size_t i) {
                     return layer(config(), is_normal_kept_, x, biases, batch, i);
                   });
  }

 private:
  bool is_normal_kept_;
  Embedding word_embeddings_;
  LayerNorm word_embeddings_layernorm_;
  std::vector<Layer> h_;
  LayerNorm ln_f_;
};

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  ConfigReader read(c.raw);
  const bool is_normal_kept = read.flag("apply_residual_connection_post_layernorm", false);
  TRY(read.take());
  return std::unique_ptr<TextModel>(std::make_unique<BloomModel>(c, p, is_normal_kept));
}

}  // namespace

extern constinit const Family bloom_entry{
    .model_types = {"bloom"},
    .base_model_prefix = "transformer",
    .heads = {{"BloomForCausalLM", Task::causal_lm, lm_head},
              {"BloomModel", Task::base},
              {"BloomForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"BloomForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"BloomForQuestionAnswering", Task::question_answering, qa_outputs}},
    .gguf = {"bloom"},
    .attribute_map = {{"hidden_size", "n_embed"},
                      {"num_hidden_layers", "n_layer"},
                      {"num_attention_heads", "n_head"},
                      {"max_position_embeddings", "seq_length"},
                      {"layer_norm_eps", "layer_norm_epsilon"}},
    .defaults = R"({"layer_norm_eps": 1e-5, "tie_word_embeddings": true, "max_position_embeddings": 2048,
                    "eos_token_id": 2})",
    .input_embeddings = "word_embeddings",
    .build = build};

}  // namespace hearth::transformers::models
