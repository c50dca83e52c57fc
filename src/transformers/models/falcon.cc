// Falcon: decoder whose attention and feed-forward part may read the same layer norm; Q, K and V lie in one matrix in
// three orders; positions are rotary, or slopes added to the scores (ALiBi).
// Source: Almazrouei et al., arXiv:2311.16867; Press et al., arXiv:2108.12409; transformers 5.23.0
// models/falcon/modeling_falcon.py. Oracle: falcon-7b, falcon-40b.
#include <cmath>
#include <optional>

#include "tensor/half.h"
#include "transformers/alibi.h"
#include "transformers/fused_qkv.h"
#include "transformers/heads.h"
#include "transformers/rope.h"

namespace hearth::transformers::models {
namespace {

/// The keys of this family.
struct Options {
  bool is_new, is_multi_query, is_parallel, has_alibi;
  Bias bias;
  int64_t kv_heads, norms;

  static Result<Options> read(const Config& c) {
    ConfigReader read(c.raw);
    Options o{.is_new = read.flag("new_decoder_architecture", false),
              .is_multi_query = read.flag("multi_query", true),
              .is_parallel = read.flag("parallel_attn", true),
              .has_alibi = read.flag("alibi", false),
              .bias = bias_if(read.flag("bias", false))};
    o.kv_heads = o.is_new           ? read.size("num_kv_heads", c.num_attention_heads)
                 : o.is_multi_query ? 1
                                    : c.num_attention_heads;
    o.norms = read.size("num_ln_in_parallel_attn", o.is_new ? 2 : 1);
    TRY(read.take());
    if (c.num_attention_heads % o.kv_heads != 0)
      return Status(Code::bad_input, "config.json: num_attention_heads is not a multiple of num_kv_heads");
    return o;
  }
};

/// transformers makes slopes and products in bf16, and scales them as it does the scores.
/// Differs: with attn_implementation="eager" transformers 5.23 adds them twice, once by the mask; by default (sdpa) and
/// here, as the models were trained, once.
std::vector<Tensor> slopes(const Config& c, const Batch& batch) {
  const float scale = 1 / std::sqrt(static_cast<float>(c.head_dim));
  return alibi(batch, c.num_attention_heads, [scale](float slope, float position) {
    return rounded_to_bf16(rounded_to_bf16(slope) * position) * scale;
  });
}

struct Layer {
  Linear q, k, v, dense, dense_h_to_4h, dense_4h_to_h;
  LayerNorm attention_norm;
  std::optional<LayerNorm> mlp_norm;  // none: the feed-forward part reads what the attention reads

  Layer(const Params& p, const Config& c, const Options& o)
      : q(p / "self_attention" / "query_key_value", c.hidden_size, c.num_attention_heads * c.head_dim, o.bias,
          qkv_rows(QkvPart::q, c.num_attention_heads, o.kv_heads, c.head_dim)),
        k(p / "self_attention" / "query_key_value", c.hidden_size, o.kv_heads * c.head_dim, o.bias,
          qkv_rows(QkvPart::k, c.num_attention_heads, o.kv_heads, c.head_dim)),
        v(p / "self_attention" / "query_key_value", c.hidden_size, o.kv_heads * c.head_dim, o.bias,
          qkv_rows(QkvPart::v, c.num_attention_heads, o.kv_heads, c.head_dim)),
        dense(p / "self_attention" / "dense", c.num_attention_heads * c.head_dim, c.hidden_size, o.bias),
        dense_h_to_4h(p / "mlp" / "dense_h_to_4h", c.hidden_size, c.intermediate_size, o.bias),
        dense_4h_to_h(p / "mlp" / "dense_4h_to_h", c.intermediate_size, c.hidden_size, o.bias),
        attention_norm(p / (o.is_parallel && o.norms == 2 ? "ln_attn" : "input_layernorm"), c.hidden_size,
                       c.layer_norm_eps) {
    if (!o.is_parallel) mlp_norm.emplace(p / "post_attention_layernorm", c.hidden_size, c.layer_norm_eps);
    if (o.is_parallel && o.norms == 2) mlp_norm.emplace(p / "ln_mlp", c.hidden_size, c.layer_norm_eps);
  }

  Tensor operator()(const Config& c, const Options& o, const Tensor& x, Activation act, const Rope* rope,
                    std::span<const Tensor> biases, const Batch& batch, size_t index) const {
    const Tensor normal = attention_norm(x);
    auto [queries, keys, values] = project(normal, q, k, v);
    Tensor turned_q = split_heads(std::move(queries), c.num_attention_heads);
    Tensor turned_k = split_heads(std::move(keys), o.kv_heads);
    if (rope) {
      turned_q = (*rope)(std::move(turned_q));
      turned_k = (*rope)(std::move(turned_k));
    }
    const Tensor out =
        batch.attention(index, turned_q, turned_k, split_heads(std::move(values), o.kv_heads), {}, biases);
    Tensor attended = dense.add_to(x, out);
    const Tensor read = !mlp_norm ? normal : (*mlp_norm)(o.is_parallel ? x : attended);
    return dense_4h_to_h.add_to(std::move(attended), activation(dense_h_to_4h(read), act));
  }
};

class FalconModel final : public TextModel {
 public:
  FalconModel(const Config& c, const Params& p, const Options& o, Activation act, RopeFrequencies frequencies)
      : TextModel(c),
        options_(o),
        act_(act),
        frequencies_(std::move(frequencies)),
        word_embeddings_(p / "word_embeddings", c.vocab_size, c.hidden_size),
        ln_f_(p / "ln_f", c.hidden_size, c.layer_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) h_.emplace_back(p / "h" / i, c, o);
  }

  CacheShape cache_shape() const override { return {config().num_hidden_layers, options_.kv_heads, config().head_dim}; }

  Tensor forward(const Batch& batch) const override {
    std::optional<Rope> rope;
    std::vector<Tensor> biases;
    if (options_.has_alibi) {
      biases = slopes(config(), batch);
    } else {
      rope.emplace(batch, frequencies_);
    }
    return through(h_, word_embeddings_(batch.ids), batch, ln_f_, [&](const Layer& layer, Tensor x, size_t i) {
      return layer(config(), options_, x, act_, rope ? &*rope : nullptr, biases, batch, i);
    });
  }

 private:
  Options options_;
  Activation act_;
  RopeFrequencies frequencies_;
  Embedding word_embeddings_;
  std::vector<Layer> h_;
  LayerNorm ln_f_;
};

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  const auto options = TRY(Options::read(c));
  const auto act = TRY(activation_by_name(c.hidden_act));
  auto frequencies = TRY(RopeFrequencies::from(c));
  return std::unique_ptr<TextModel>(std::make_unique<FalconModel>(c, p, options, act, std::move(frequencies)));
}

}  // namespace

extern constinit const Family falcon_entry{
    .model_types = {"falcon"},
    .base_model_prefix = "transformer",
    .heads = {{"FalconForCausalLM", Task::causal_lm, lm_head},
              {"FalconModel", Task::base},
              {"FalconForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"FalconForTokenClassification", Task::token_classification, classifier_of_tokens},
              {"FalconForQuestionAnswering", Task::question_answering, qa_outputs}},
    .gguf = {"falcon"},
    .attribute_map = {{"hidden_act", "activation"},
                      {"layer_norm_eps", "layer_norm_epsilon"},
                      {"intermediate_size", "ffn_hidden_size"}},
    .defaults = R"({"hidden_act": "gelu", "layer_norm_eps": 1e-5, "tie_word_embeddings": true,
                    "max_position_embeddings": 2048, "eos_token_id": 11})",
    .input_embeddings = "word_embeddings",
    .build = build};

}  // namespace hearth::transformers::models
