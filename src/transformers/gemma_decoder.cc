#include "transformers/gemma_decoder.h"

#include <cmath>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "transformers/rope.h"

namespace hearth {
namespace {

constexpr float kOffset = 1;  // norms store their weight minus one

struct Layer {
  Linear q_proj, k_proj, v_proj, o_proj;
  std::optional<RMSNorm> q_norm, k_norm;  // of each head: Gemma 3
  Linear gate_proj, up_proj, down_proj;
  RMSNorm input_layernorm, post_attention_layernorm, pre_feedforward_layernorm, post_feedforward_layernorm;
  AttentionOptions options;
  size_t rope;  // of the model's

  Layer(const Params& p, const Config& c, bool has_qk_norm, const AttentionOptions& attention_options, size_t which)
      : q_proj(p / "self_attn" / "q_proj", c.hidden_size, c.num_attention_heads * c.head_dim, bias(c)),
        k_proj(p / "self_attn" / "k_proj", c.hidden_size, c.num_key_value_heads * c.head_dim, bias(c)),
        v_proj(p / "self_attn" / "v_proj", c.hidden_size, c.num_key_value_heads * c.head_dim, bias(c)),
        o_proj(p / "self_attn" / "o_proj", c.num_attention_heads * c.head_dim, c.hidden_size, bias(c)),
        gate_proj(p / "mlp" / "gate_proj", c.hidden_size, c.intermediate_size),
        up_proj(p / "mlp" / "up_proj", c.hidden_size, c.intermediate_size),
        down_proj(p / "mlp" / "down_proj", c.intermediate_size, c.hidden_size),
        input_layernorm(p / "input_layernorm", c.hidden_size, c.rms_norm_eps, kOffset),
        post_attention_layernorm(p / "post_attention_layernorm", c.hidden_size, c.rms_norm_eps, kOffset),
        pre_feedforward_layernorm(p / "pre_feedforward_layernorm", c.hidden_size, c.rms_norm_eps, kOffset),
        post_feedforward_layernorm(p / "post_feedforward_layernorm", c.hidden_size, c.rms_norm_eps, kOffset),
        options(attention_options),
        rope(which) {
    if (!has_qk_norm) return;
    q_norm.emplace(p / "self_attn" / "q_norm", c.head_dim, c.rms_norm_eps, kOffset);
    k_norm.emplace(p / "self_attn" / "k_norm", c.head_dim, c.rms_norm_eps, kOffset);
  }

  static Bias bias(const Config& c) { return bias_if(c.attention_bias); }

  Tensor operator()(const Config& c, const Tensor& x, Activation act, std::span<const Rope> ropes, const Batch& batch,
                    size_t index) const {
    auto [queries, keys, values] = project(input_layernorm, x, q_proj, k_proj, v_proj);
    Tensor q = split_heads(std::move(queries), c.num_attention_heads);
    Tensor k = split_heads(std::move(keys), c.num_key_value_heads);
    if (q_norm) {
      q = (*q_norm)(q);
      k = (*k_norm)(k);
    }
    const Tensor attended = batch.attention(index, ropes[rope](std::move(q)), ropes[rope](std::move(k)),
                                            split_heads(std::move(values), c.num_key_value_heads), options);
    const Tensor middle = x + post_attention_layernorm(o_proj(attended));
    auto [gate, up] = project(pre_feedforward_layernorm, middle, gate_proj, up_proj);
    return middle + post_feedforward_layernorm(down_proj(activation(gate, act) * up));
  }
};

class Gemma2Model final : public TextModel {
 public:
  /// `options`: one a layer; the frequencies are those of full layers, then of sliding ones.
  Gemma2Model(const Config& c, const Params& p, Activation act, bool has_qk_norm,
              std::span<const AttentionOptions> options, std::vector<RopeFrequencies> frequencies)
      : TextModel(c),
        act_(act),
        frequencies_(std::move(frequencies)),
        embed_tokens_(p / "embed_tokens", c.vocab_size, c.hidden_size),
        norm_(p / "norm", c.hidden_size, c.rms_norm_eps, kOffset) {
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
      const auto& mine = options[static_cast<size_t>(i)];
      layers_.emplace_back(p / "layers" / i, c, has_qk_norm, mine, mine.window > 0 ? 1 : 0);
    }
  }

  Tensor forward(const Batch& batch) const override {
    std::vector<Rope> ropes;
    for (const auto& frequencies : frequencies_) ropes.emplace_back(batch, frequencies);
    return through(layers_, scale(embed_tokens_(batch.ids), std::sqrt(static_cast<double>(config().hidden_size))),
                   batch, norm_,
                   [&](const Layer& layer, Tensor x, size_t i) { return layer(config(), x, act_, ropes, batch, i); });
  }

 private:
  Activation act_;
  std::vector<RopeFrequencies> frequencies_;
  Embedding embed_tokens_;
  std::vector<Layer> layers_;
  RMSNorm norm_;
};

/// The windows of the layers, where the file does not name their types: every second slides (Gemma 2), all but every
/// sixth (Gemma 3).
bool is_sliding(const Config& c, int64_t layer, int64_t pattern) {
  if (!c.layer_types.empty()) return c.layer_types[static_cast<size_t>(layer)] == "sliding_attention";
  return (layer + 1) % pattern != 0;
}

}  // namespace

Result<std::unique_ptr<TextModel>> build_gemma_decoder(const Config& c, const Params& p, const GemmaDecoderKind& kind) {
  ConfigReader read(c.raw);
  const auto pattern = read.size("sliding_window_pattern", kind.sliding_window_pattern);
  AttentionOptions options{.scale = 1 / std::sqrt(read.number("query_pre_attn_scalar", 256)),
                           .softcap = read.number("attn_logit_softcapping", 0)};
  auto sliding_rope = c.rope("sliding_attention");
  if (kind.has_local_rope && c.rope_by_layer_type.empty())  // before rope_parameters were kept by layer type
    sliding_rope = {.rope_theta = read.number("rope_local_base_freq", 10000)};
  TRY(read.take());
  std::vector<AttentionOptions> all;
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    options.window = is_sliding(c, i, pattern) ? c.sliding_window : 0;
    all.push_back(options);
  }
  std::vector<RopeFrequencies> frequencies;
  frequencies.push_back(TRY(RopeFrequencies::from(c, c.rope("full_attention"))));
  frequencies.push_back(TRY(RopeFrequencies::from(c, sliding_rope)));
  const auto act = TRY(activation_by_name(c.hidden_act));
  return std::unique_ptr<TextModel>(
      std::make_unique<Gemma2Model>(c, p, act, kind.has_qk_norm, all, std::move(frequencies)));
}

}  // namespace hearth
