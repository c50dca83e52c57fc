// Llama: decoder with RMSNorm, rotary positions, grouped-query attention and SwiGLU.
// Source: transformers 5.23.0 models/llama/modeling_llama.py. Oracle: llama2, llama3, deepseek-coder, llama-yarn.
#include "transformers/heads.h"
#include "transformers/rope.h"

namespace hearth::transformers::models {
namespace {

struct Attention {
  Linear q_proj, k_proj, v_proj, o_proj;  // field names are the checkpoint's names

  Attention(const Params& p, const Config& c)
      : q_proj(p / "q_proj", c.hidden_size, c.num_attention_heads * c.head_dim, bias(c)),
        k_proj(p / "k_proj", c.hidden_size, c.num_key_value_heads * c.head_dim, bias(c)),
        v_proj(p / "v_proj", c.hidden_size, c.num_key_value_heads * c.head_dim, bias(c)),
        o_proj(p / "o_proj", c.num_attention_heads * c.head_dim, c.hidden_size, bias(c)) {}

  static Bias bias(const Config& c) { return bias_if(c.attention_bias); }

  /// x + attention(norm(x)); x: [rows, hidden_size].
  Tensor operator()(const Config& c, Tensor x, const RMSNorm& norm, const Rope& rope, const Batch& batch,
                    size_t layer) const {
    auto [q, k, v] = project(norm, x, q_proj, k_proj, v_proj);
    const Tensor out = batch.attention(layer, rope(split_heads(std::move(q), c.num_attention_heads)),
                                       rope(split_heads(std::move(k), c.num_key_value_heads)),
                                       split_heads(std::move(v), c.num_key_value_heads));
    return o_proj.add_to(std::move(x), out);
  }
};

struct Mlp {
  Linear gate_proj, up_proj, down_proj;
  Activation act;

  Mlp(const Params& p, const Config& c, Activation activation)
      : gate_proj(p / "gate_proj", c.hidden_size, c.intermediate_size, bias(c)),
        up_proj(p / "up_proj", c.hidden_size, c.intermediate_size, bias(c)),
        down_proj(p / "down_proj", c.intermediate_size, c.hidden_size, bias(c)),
        act(activation) {}

  static Bias bias(const Config& c) { return bias_if(c.mlp_bias); }

  /// x + mlp(norm(x)).
  Tensor operator()(Tensor x, const RMSNorm& norm) const {
    return gated_mlp(std::move(x), norm, act, gate_proj, up_proj, down_proj);
  }
};

struct Layer {
  Attention self_attn;
  Mlp mlp;
  RMSNorm input_layernorm, post_attention_layernorm;

  Layer(const Params& p, const Config& c, Activation act)
      : self_attn(p / "self_attn", c),
        mlp(p / "mlp", c, act),
        input_layernorm(p / "input_layernorm", c.hidden_size, c.rms_norm_eps),
        post_attention_layernorm(p / "post_attention_layernorm", c.hidden_size, c.rms_norm_eps) {}

  Tensor operator()(const Config& c, Tensor x, const Rope& rope, const Batch& batch, size_t index) const {
    x = self_attn(c, std::move(x), input_layernorm, rope, batch, index);
    return mlp(std::move(x), post_attention_layernorm);
  }
};

class LlamaModel final : public TextModel {
 public:
  LlamaModel(const Config& c, const Params& p, RopeFrequencies frequencies, Activation act)
      : TextModel(c),
        frequencies_(std::move(frequencies)),
        embed_tokens_(p / "embed_tokens", c.vocab_size, c.hidden_size),
        norm_(p / "norm", c.hidden_size, c.rms_norm_eps) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers_.emplace_back(p / "layers" / i, c, act);
  }

  Tensor forward(const Batch& batch) const override {
    const Rope rope(batch, frequencies_);
    Tensor x = embed_tokens_(batch.ids);
    for (size_t i = 0; i < layers_.size(); ++i) {
      batch.record(x);
      x = layers_[i](config(), std::move(x), rope, batch, i);
    }
    x = norm_(x);
    batch.record(x);
    return x;
  }

 private:
  RopeFrequencies frequencies_;
  Embedding embed_tokens_;
  std::vector<Layer> layers_;
  RMSNorm norm_;
};

Result<std::unique_ptr<TextModel>> build(const Config& config, const Params& p) {
  auto frequencies = TRY(RopeFrequencies::from(config));
  const auto act = TRY(activation_by_name(config.hidden_act));
  return std::unique_ptr<TextModel>(std::make_unique<LlamaModel>(config, p, std::move(frequencies), act));
}

}  // namespace

extern constinit const Family llama_entry{
    .model_types = {"llama"},
    .heads = {{"LlamaForCausalLM", Task::causal_lm, lm_head},
              {"LlamaModel", Task::base},
              {"LlamaForSequenceClassification", Task::sequence_classification, score_of_last_token},
              {"LlamaForTokenClassification", Task::token_classification, score_of_tokens},
              {"LlamaForQuestionAnswering", Task::question_answering, qa_outputs}},
    .gguf = {"llama"},
    .build = build};

}  // namespace hearth::transformers::models
