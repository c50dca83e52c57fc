// Llama: decoder with RMSNorm, rotary positions, grouped-query attention and SwiGLU.
// Source: transformers 5.23.0 models/llama/modeling_llama.py. Oracle: llama2, llama3, deepseek-coder, llama-yarn.
#include "transformers/causal_lm.h"
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

  static Bias bias(const Config& c) { return c.attention_bias ? Bias::present : Bias::none; }

  /// x + attention(norm(x)); x: [rows, hidden_size].
  Tensor operator()(const Config& c, Tensor x, const RMSNorm& norm, const Rope& rope, const KvLayer& kv) const {
    auto [q, k, v] = project(norm, x, q_proj, k_proj, v_proj);
    const Tensor out = kv.attention(rope(split_heads(std::move(q), c.num_attention_heads)),
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

  static Bias bias(const Config& c) { return c.mlp_bias ? Bias::present : Bias::none; }

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

  Tensor operator()(const Config& c, Tensor x, const Rope& rope, const KvLayer& kv) const {
    x = self_attn(c, std::move(x), input_layernorm, rope, kv);
    return mlp(std::move(x), post_attention_layernorm);
  }
};

class LlamaForCausalLM final : public CausalLM {
 public:
  LlamaForCausalLM(const Config& c, const Params& p, RopeFrequencies frequencies, Activation act)
      : CausalLM(c, p.store()),
        frequencies_(std::move(frequencies)),
        embed_tokens_(p / "model" / "embed_tokens", c.vocab_size, c.hidden_size),
        norm_(p / "model" / "norm", c.hidden_size, c.rms_norm_eps),
        lm_head_(p / "lm_head", c.hidden_size, c.vocab_size) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) layers_.emplace_back(p / "model" / "layers" / i, c, act);
  }

 protected:
  Tensor hidden_states(std::span<const int32_t> ids, const KvBatch& caches) const override {
    const Rope rope(backend(), frequencies_, caches.positions());
    Tensor x = embed_tokens_(ids);
    for (size_t i = 0; i < layers_.size(); ++i) x = layers_[i](config(), std::move(x), rope, caches.layer(i));
    return x;
  }

  Tensor logits(const Tensor& hidden) const override { return project(norm_, hidden, lm_head_)[0]; }

 private:
  RopeFrequencies frequencies_;
  Embedding embed_tokens_;
  std::vector<Layer> layers_;
  RMSNorm norm_;
  Linear lm_head_;
};

Result<std::unique_ptr<CausalLM>> build(const Config& config, const Params& params) {
  auto frequencies = TRY(RopeFrequencies::from(config));
  const auto act = TRY(activation_by_name(config.hidden_act));
  // A file of tied weights may lack lm_head.weight, or hold a copy: the embedding wins.
  if (config.tie_word_embeddings) params.store().tie("lm_head.weight", "model.embed_tokens.weight");
  // Old files carry the table that is computed here.
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    params.store().ignore((params / "model" / "layers" / i / "self_attn" / "rotary_emb").name("inv_freq"));
  return std::unique_ptr<CausalLM>(std::make_unique<LlamaForCausalLM>(config, params, std::move(frequencies), act));
}

}  // namespace

extern constinit const Family llama_entry{
    .model_types = {"llama"}, .heads = {"LlamaForCausalLM"}, .gguf = {"llama"}, .build = build};

}  // namespace hearth::transformers::models
