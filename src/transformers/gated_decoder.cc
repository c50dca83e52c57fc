#include "transformers/gated_decoder.h"

#include "base/text.h"

namespace hearth {
namespace {

/// Outputs `begin` to `begin + count` of a matrix that holds several.
Stored part(int64_t begin, int64_t count, int64_t stored) {
  return {.rows = {{begin, count}}, .row_count = stored};
}

}  // namespace

GatedAttention::GatedAttention(const Params& p, const Config& c, const GatedLayerKind& kind)
    : kind_(kind),
      q_proj_([&]() -> Linear {
        const auto q = c.num_attention_heads * c.head_dim, kv = c.num_key_value_heads * c.head_dim;
        if (!kind.is_fused) return {p / "q_proj", c.hidden_size, q, kind.qkv_bias};
        return {p / "qkv_proj", c.hidden_size, q, kind.qkv_bias, part(0, q, q + 2 * kv)};
      }()),
      k_proj_([&]() -> Linear {
        const auto q = c.num_attention_heads * c.head_dim, kv = c.num_key_value_heads * c.head_dim;
        if (!kind.is_fused) return {p / "k_proj", c.hidden_size, kv, kind.qkv_bias};
        return {p / "qkv_proj", c.hidden_size, kv, kind.qkv_bias, part(q, kv, q + 2 * kv)};
      }()),
      v_proj_([&]() -> Linear {
        const auto q = c.num_attention_heads * c.head_dim, kv = c.num_key_value_heads * c.head_dim;
        if (!kind.is_fused) return {p / "v_proj", c.hidden_size, kv, kind.qkv_bias};
        return {p / "qkv_proj", c.hidden_size, kv, kind.qkv_bias, part(q + kv, kv, q + 2 * kv)};
      }()),
      o_proj_(p / "o_proj", c.num_attention_heads * c.head_dim, c.hidden_size, kind.o_bias) {
  if (!kind.has_qk_norm) return;
  q_norm_.emplace(p / "q_norm", c.head_dim, c.rms_norm_eps, kind.norm_offset);
  k_norm_.emplace(p / "k_norm", c.head_dim, c.rms_norm_eps, kind.norm_offset);
}

Tensor GatedAttention::operator()(const Config& c, Tensor x, const RMSNorm& norm, std::span<const Rope> ropes,
                                  const Batch& batch, size_t layer) const {
  auto [queries, keys, values] = project(norm, x, q_proj_, k_proj_, v_proj_);
  Tensor q = split_heads(std::move(queries), c.num_attention_heads);
  Tensor k = split_heads(std::move(keys), c.num_key_value_heads);
  if (q_norm_) {
    q = (*q_norm_)(q);
    k = (*k_norm_)(k);
  }
  if (kind_.has_rope) {
    q = ropes[kind_.rope](std::move(q));
    k = ropes[kind_.rope](std::move(k));
  }
  const Tensor out =
      batch.attention(layer, q, k, split_heads(std::move(values), c.num_key_value_heads), {.window = kind_.window});
  return o_proj_.add_to(std::move(x), out);
}

GatedMlp::GatedMlp(const Params& p, const Config& c, Activation act, const GatedLayerKind& kind)
    : act_(act),
      gate_proj_([&]() -> Linear {
        const auto inner = c.intermediate_size;
        if (!kind.is_fused) return {p / "gate_proj", c.hidden_size, inner, kind.mlp_bias};
        return {p / "gate_up_proj", c.hidden_size, inner, kind.mlp_bias, part(0, inner, 2 * inner)};
      }()),
      up_proj_([&]() -> Linear {
        const auto inner = c.intermediate_size;
        if (!kind.is_fused) return {p / "up_proj", c.hidden_size, inner, kind.mlp_bias};
        return {p / "gate_up_proj", c.hidden_size, inner, kind.mlp_bias, part(inner, inner, 2 * inner)};
      }()),
      down_proj_(p / "down_proj", c.intermediate_size, c.hidden_size, kind.mlp_bias) {}

GatedDecoder::Layer::Layer(const Params& p, const Config& c, Activation act, const GatedLayerKind& kind)
    : self_attn(kind.latent ? decltype(self_attn)(LatentAttention(p / "self_attn", c, *kind.latent))
                            : decltype(self_attn)(GatedAttention(p / "self_attn", c, kind))),
      mlp(kind.experts ? decltype(mlp)(ExpertMlp(p / kind.mlp, c, act, *kind.experts))
                       : decltype(mlp)(GatedMlp(p / kind.mlp, c, act, kind))),
      input_layernorm(p / "input_layernorm", c.hidden_size, c.rms_norm_eps, kind.norm_offset),
      post_attention_layernorm(p / "post_attention_layernorm", c.hidden_size, c.rms_norm_eps, kind.norm_offset) {}

GatedDecoder::GatedDecoder(const Config& c, const Params& p, Activation act, std::span<const GatedLayerKind> kinds,
                           GatedDecoderOptions options)
    : TextModel(c),
      options_(std::move(options)),
      embed_tokens_(p / "embed_tokens", c.vocab_size, c.hidden_size),
      norm_(p / "norm", c.hidden_size, c.rms_norm_eps, options_.norm_offset) {
  for (int64_t i = 0; i < c.num_hidden_layers; ++i)
    layers_.emplace_back(p / "layers" / i, c, act, kinds[static_cast<size_t>(i)]);
}

Tensor GatedDecoder::forward(const Batch& batch) const {
  std::vector<Rope> ropes;
  for (const auto& frequencies : options_.frequencies) ropes.emplace_back(batch, frequencies);
  Tensor x = embed_tokens_(batch.ids);
  if (options_.embedding_scale != 1) x = scale(x, options_.embedding_scale);
  return through(layers_, std::move(x), batch, norm_, [&](const Layer& layer, Tensor in, size_t i) {
    in = std::visit(
        [&](const auto& self_attn) {
          return self_attn(config(), std::move(in), layer.input_layernorm, ropes, batch, i);
        },
        layer.self_attn);
    return std::visit([&](const auto& mlp) { return mlp(std::move(in), layer.post_attention_layernorm); }, layer.mlp);
  });
}

Result<std::unique_ptr<TextModel>> build_gated_decoder(const Config& config, const Params& p,
                                                       std::span<const GatedLayerKind> kinds,
                                                       GatedDecoderOptions options) {
  const auto latent = kinds.front().latent;
  if (options.frequencies.empty())
    options.frequencies.push_back(
        TRY(RopeFrequencies::from(config, config.rope_parameters, latent ? latent->qk_rope_head_dim : 0)));
  if (latent) options.cache = CacheShape{config.num_hidden_layers, 1, latent->cached_width(), /*values_are_keys=*/true};
  const auto act = TRY(activation_by_name(config.hidden_act));
  for (const auto& kind : kinds)
    if (kind.experts) TRY(check_experts(*kind.experts));
  return std::unique_ptr<TextModel>(std::make_unique<GatedDecoder>(config, p, act, kinds, std::move(options)));
}

Result<std::vector<GatedLayerKind>> sliding_from_a_layer_on(const Config& config, const GatedLayerKind& kind) {
  ConfigReader read(config.raw);
  const bool slides = read.flag("use_sliding_window", false);
  const auto first = read.integer("max_window_layers", 28);
  TRY(read.take());
  std::vector out(static_cast<size_t>(config.num_hidden_layers), kind);
  for (int64_t i = 0; slides && i < config.num_hidden_layers; ++i) {
    const bool is_sliding = config.layer_types.empty() ? i >= first : window_of(config, i) > 0;
    out[static_cast<size_t>(i)].window = is_sliding ? config.sliding_window : 0;
  }
  return out;
}

int64_t window_of(const Config& config, int64_t layer) {
  const bool is_full =
      !config.layer_types.empty() && config.layer_types[static_cast<size_t>(layer)] != "sliding_attention";
  return is_full ? 0 : config.sliding_window;
}

}  // namespace hearth
