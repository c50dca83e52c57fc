// Phi 1, 1.5 and 2: decoder whose attention and feed-forward part read the same layer norm, with rotary positions on a
// part of each head and biases everywhere.
// Source: transformers 5.23.0 models/phi/modeling_phi.py. Oracle: phi2.
#include <optional>

#include "transformers/heads.h"
#include "transformers/rope.h"

namespace hearth::transformers::models {
namespace {

struct Layer {
  LayerNorm input_layernorm;
  Linear q_proj, k_proj, v_proj, dense, fc1, fc2;
  std::optional<LayerNorm> q_layernorm, k_layernorm;  // of each head

  Layer(const Params& p, const Config& c, bool has_qk_norm)
      : input_layernorm(p / "input_layernorm", c.hidden_size, c.layer_norm_eps),
        q_proj(p / "self_attn" / "q_proj", c.hidden_size, c.num_attention_heads * c.head_dim, Bias::present),
        k_proj(p / "self_attn" / "k_proj", c.hidden_size, c.num_key_value_heads * c.head_dim, Bias::present),
        v_proj(p / "self_attn" / "v_proj", c.hidden_size, c.num_key_value_heads * c.head_dim, Bias::present),
        dense(p / "self_attn" / "dense", c.num_attention_heads * c.head_dim, c.hidden_size, Bias::present),
        fc1(p / "mlp" / "fc1", c.hidden_size, c.intermediate_size, Bias::present),
        fc2(p / "mlp" / "fc2", c.intermediate_size, c.hidden_size, Bias::present) {
    if (!has_qk_norm) return;
    q_layernorm.emplace(p / "self_attn" / "q_layernorm", c.head_dim, c.layer_norm_eps);
    k_layernorm.emplace(p / "self_attn" / "k_layernorm", c.head_dim, c.layer_norm_eps);
  }

  /// x + attention(norm(x)) + mlp(norm(x)).
  Tensor operator()(const Config& c, Tensor x, Activation act, const Rope& rope, const Batch& batch,
                    size_t index) const {
    const Tensor normal = input_layernorm(x);
    auto [queries, keys, values] = project(normal, q_proj, k_proj, v_proj);
    Tensor q = split_heads(std::move(queries), c.num_attention_heads);
    Tensor k = split_heads(std::move(keys), c.num_key_value_heads);
    if (q_layernorm) {
      q = (*q_layernorm)(q);
      k = (*k_layernorm)(k);
    }
    const Tensor out = batch.attention(index, rope(std::move(q)), rope(std::move(k)),
                                       split_heads(std::move(values), c.num_key_value_heads));
    x = dense.add_to(std::move(x), out);
    return fc2.add_to(std::move(x), activation(fc1(normal), act));
  }
};

class PhiModel final : public TextModel {
 public:
  PhiModel(const Config& c, const Params& p, Activation act, bool has_qk_norm, RopeFrequencies frequencies)
      : TextModel(c),
        act_(act),
        frequencies_(std::move(frequencies)),
        embed_tokens_(p / "embed_tokens", c.vocab_size, c.hidden_size),
        final_layernorm_(p / "final_layernorm", c.hidden_size, c.layer_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers_.emplace_back(p / "layers" / i, c, has_qk_norm);
  }

  Tensor forward(const Batch& batch) const override {
    const Rope rope(batch, frequencies_);
    return through(
        layers_, embed_tokens_(batch.ids), batch, final_layernorm_,
        [&](const Layer& layer, Tensor x, size_t i) { return layer(config(), std::move(x), act_, rope, batch, i); });
  }

 private:
  Activation act_;
  RopeFrequencies frequencies_;
  Embedding embed_tokens_;
  std::vector<Layer> layers_;
  LayerNorm final_layernorm_;
};

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  ConfigReader read(c.raw);
  const bool has_qk_norm = read.flag("qk_layernorm", false);
  TRY(read.take());
  const auto act = TRY(activation_by_name(c.hidden_act));
  auto frequencies = TRY(RopeFrequencies::from(c));
  return std::unique_ptr<TextModel>(std::make_unique<PhiModel>(c, p, act, has_qk_norm, std::move(frequencies)));
}

}  // namespace

extern constinit const Family phi_entry{
    .model_types = {"phi"},
    .heads = {{"PhiForCausalLM", Task::causal_lm, lm_head_with_bias},
              {"PhiModel", Task::base},
              {"PhiForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"PhiForTokenClassification", Task::token_classification, score_of_tokens}},
    .gguf = {"phi2"},
    .defaults = R"({"hidden_act": "gelu_new", "layer_norm_eps": 1e-5, "partial_rotary_factor": 0.5,
                    "max_position_embeddings": 2048, "eos_token_id": 2})",
    .build = build};

}  // namespace hearth::transformers::models
