// StarCoder2: decoder with layer norms, grouped-query attention, rotary positions, biases and a sliding window.
// Source: Lozhkov et al., arXiv:2402.19173; transformers 5.23.0 models/starcoder2/modeling_starcoder2.py. Oracle:
// starcoder2.
#include "transformers/heads.h"
#include "transformers/rope.h"

namespace hearth::transformers::models {
namespace {

struct Layer {
  LayerNorm input_layernorm;
  Linear q_proj, k_proj, v_proj, o_proj;
  LayerNorm post_attention_layernorm;
  Linear c_fc, c_proj;

  Layer(const Params& p, const Config& c, Bias bias)
      : input_layernorm(p / "input_layernorm", c.hidden_size, c.layer_norm_eps),
        q_proj(p / "self_attn" / "q_proj", c.hidden_size, c.num_attention_heads * c.head_dim, bias),
        k_proj(p / "self_attn" / "k_proj", c.hidden_size, c.num_key_value_heads * c.head_dim, bias),
        v_proj(p / "self_attn" / "v_proj", c.hidden_size, c.num_key_value_heads * c.head_dim, bias),
        o_proj(p / "self_attn" / "o_proj", c.num_attention_heads * c.head_dim, c.hidden_size, bias),
        post_attention_layernorm(p / "post_attention_layernorm", c.hidden_size, c.layer_norm_eps),
        c_fc(p / "mlp" / "c_fc", c.hidden_size, c.intermediate_size, bias),
        c_proj(p / "mlp" / "c_proj", c.intermediate_size, c.hidden_size, bias) {}

  Tensor operator()(const Config& c, Tensor x, Activation act, const Rope& rope, const Batch& batch,
                    size_t index) const {
    auto [q, k, v] = project(input_layernorm(x), q_proj, k_proj, v_proj);
    const Tensor out = batch.attention(index, rope(split_heads(std::move(q), c.num_attention_heads)),
                                       rope(split_heads(std::move(k), c.num_key_value_heads)),
                                       split_heads(std::move(v), c.num_key_value_heads), {.window = c.sliding_window});
    x = o_proj.add_to(std::move(x), out);
    const Tensor inner = activation(c_fc(post_attention_layernorm(x)), act);
    return c_proj.add_to(std::move(x), inner);
  }
};

class Starcoder2Model final : public TextModel {
 public:
  Starcoder2Model(const Config& c, const Params& p, Activation act, Bias bias, RopeFrequencies frequencies)
      : TextModel(c),
        act_(act),
        frequencies_(std::move(frequencies)),
        embed_tokens_(p / "embed_tokens", c.vocab_size, c.hidden_size),
        norm_(p / "norm", c.hidden_size, c.layer_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers_.emplace_back(p / "layers" / i, c, bias);
  }

  Tensor forward(const Batch& batch) const override {
    const Rope rope(batch, frequencies_);
    return through(layers_, embed_tokens_(batch.ids), batch, norm_, [&](const Layer& layer, Tensor x, size_t i) {
      return layer(config(), std::move(x), act_, rope, batch, i);
    });
  }

 private:
  Activation act_;
  RopeFrequencies frequencies_;
  Embedding embed_tokens_;
  std::vector<Layer> layers_;
  LayerNorm norm_;
};

Result<std::unique_ptr<TextModel>> build(const Config& c, const Params& p) {
  ConfigReader read(c.raw);
  const auto bias = bias_if(read.flag("use_bias", true));
  TRY(read.take());
  const auto act = TRY(activation_by_name(c.hidden_act));
  auto frequencies = TRY(RopeFrequencies::from(c));
  return std::unique_ptr<TextModel>(std::make_unique<Starcoder2Model>(c, p, act, bias, std::move(frequencies)));
}

}  // namespace

extern constinit const Family starcoder2_entry{
    .model_types = {"starcoder2"},
    .heads = {{"Starcoder2ForCausalLM", Task::causal_lm, lm_head},
              {"Starcoder2Model", Task::base},
              {"Starcoder2ForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"Starcoder2ForTokenClassification", Task::token_classification, score_of_tokens}},
    .gguf = {"starcoder2"},
    .attribute_map = {{"layer_norm_eps", "norm_epsilon"}},
    .defaults = R"({"num_key_value_heads": 2, "hidden_act": "gelu_pytorch_tanh", "layer_norm_eps": 1e-5,
                    "max_position_embeddings": 4096, "tie_word_embeddings": true, "eos_token_id": 50256})",
    .build = build};

}  // namespace hearth::transformers::models
