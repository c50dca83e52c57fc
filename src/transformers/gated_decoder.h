// GatedDecoder: the stack that LLaMA and the families after it share: RMS norms before each part, grouped-query
// attention with rotary positions, a gated feed-forward part. A family says in GatedLayerKind how its layers differ.
// Source: Touvron et al., arXiv:2302.13971; transformers 5.23.0 models/llama, mistral, qwen2, qwen3, smollm3, phi3,
// deepseek_v2.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "transformers/experts.h"
#include "transformers/latent_attention.h"
#include "transformers/rope.h"
#include "transformers/text_model.h"

namespace hearth {

/// What distinguishes the layers of a family, or some of them.
struct GatedLayerKind {
  Bias qkv_bias = Bias::none, o_bias = Bias::none, mlp_bias = Bias::none;
  bool is_fused = false;     ///< qkv_proj and gate_up_proj in the file
  bool has_qk_norm = false;  ///< each head of q and k is normalized before it turns
  float norm_offset = 0;     ///< added to norms' stored weights
  bool has_rope = true;
  size_t rope = 0;                         ///< which of the model's frequencies
  const char* mlp = "mlp";                 ///< the feed-forward part's name
  std::optional<ExpertKind> experts = {};  ///< in place of one feed-forward part
  int64_t window = 0;                      ///< of the attention; 0: none
  std::optional<LatentKind> latent = {};   ///< latent attention in place of grouped-query attention
};

class GatedAttention {
 public:
  GatedAttention(const Params& p, const Config& c, const GatedLayerKind& kind);
  /// x + attention(norm(x)); x: [rows, hidden_size].
  Tensor operator()(const Config& c, Tensor x, const RMSNorm& norm, std::span<const Rope> ropes, const Batch& batch,
                    size_t layer) const;

 private:
  GatedLayerKind kind_;
  Linear q_proj_, k_proj_, v_proj_, o_proj_;
  std::optional<RMSNorm> q_norm_, k_norm_;
};

class GatedMlp {
 public:
  GatedMlp(const Params& p, const Config& c, Activation act, const GatedLayerKind& kind);
  /// x + mlp(norm(x)).
  Tensor operator()(Tensor x, const RMSNorm& norm) const {
    return gated_mlp(std::move(x), norm, act_, gate_proj_, up_proj_, down_proj_);
  }

 private:
  Activation act_;
  Linear gate_proj_, up_proj_, down_proj_;
};

/// What a family adds around the layers.
struct GatedDecoderOptions {
  std::vector<RopeFrequencies> frequencies;  ///< one, or one a layer type
  std::optional<CacheShape> cache = {};      ///< where it is not that of grouped-query attention
  double embedding_scale = 1;
  float norm_offset = 0;      ///< of the last norm
  int64_t rereads_after = 0;  ///< TextModel's
};

class GatedDecoder final : public TextModel {
 public:
  /// `kinds`: one a layer.
  GatedDecoder(const Config& c, const Params& p, Activation act, std::span<const GatedLayerKind> kinds,
               GatedDecoderOptions options);
  Tensor forward(const Batch& batch) const override;
  CacheShape cache_shape() const override { return options_.cache.value_or(TextModel::cache_shape()); }
  int64_t rereads_after() const override { return options_.rereads_after; }

 private:
  struct Layer {
    std::variant<GatedAttention, LatentAttention> self_attn;
    std::variant<GatedMlp, ExpertMlp> mlp;
    RMSNorm input_layernorm, post_attention_layernorm;
    Layer(const Params& p, const Config& c, Activation act, const GatedLayerKind& kind);
  };
  GatedDecoderOptions options_;
  Embedding embed_tokens_;
  std::vector<Layer> layers_;
  RMSNorm norm_;
};

/// A stack with the configuration's own positions, where `options` has none: what most families build.
Result<std::unique_ptr<TextModel>> build_gated_decoder(const Config& config, const Params& p,
                                                       std::span<const GatedLayerKind> kinds,
                                                       GatedDecoderOptions options = {});
/// Layers of a kind of which some slide: with `use_sliding_window` those that `layer_types` names, else those from
/// `max_window_layers` on.
Result<std::vector<GatedLayerKind>> sliding_from_a_layer_on(const Config& config, const GatedLayerKind& kind);
/// The window of a layer by `layer_types`; where the file names none, every layer has the configuration's.
int64_t window_of(const Config& config, int64_t layer);

}  // namespace hearth
