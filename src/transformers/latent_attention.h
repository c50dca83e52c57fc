// LatentAttention: keys and values are two readings of one short vector a token, the latent, and that is what the cache
// holds. A head's score q_nope . (K latent) is (K^T q_nope) . latent, so queries are carried to the latents instead of
// latents to keys: every head reads the same cache, [latent | rotated part of the key], as in multi-query attention,
// and what it gathers becomes values afterwards.
// Source: DeepSeek-AI, arXiv:2405.04434 section 2.1; transformers 5.23.0 models/deepseek_v2, models/deepseek_v3.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "transformers/rope.h"
#include "transformers/text_model.h"

namespace hearth {

/// The widths of one layer's parts, per head but for the ranks.
struct LatentKind {
  int64_t q_lora_rank = 0;  ///< queries too pass a short vector; 0: they do not
  int64_t kv_lora_rank = 0, qk_nope_head_dim = 0, qk_rope_head_dim = 0, v_head_dim = 0;
  bool has_pairs = true;  ///< rotated dimensions are stored in pairs (2i, 2i + 1)
  Bias bias = Bias::none;
  double scale = 0;  ///< of the scores, the part that YaRN adds included

  static Result<LatentKind> read(const Config& c);
  int64_t cached_width() const { return kv_lora_rank + qk_rope_head_dim; }
};

class LatentAttention {
 public:
  LatentAttention(const Params& p, const Config& c, const LatentKind& kind);
  /// x + attention(norm(x)); x: [rows, hidden_size]. Numbers are those of expanded keys and values but for the order of
  /// sums.
  Tensor operator()(const Config& c, Tensor x, const RMSNorm& norm, std::span<const Rope> ropes, const Batch& batch,
                    size_t layer) const;

 private:
  LatentKind kind_;
  std::optional<Linear> q_a_proj_;
  std::optional<RMSNorm> q_a_layernorm_;
  Linear q_nope_, q_rope_;     // q_b_proj or q_proj
  Linear kv_latent_, k_rope_;  // kv_a_proj_with_mqa
  RMSNorm kv_a_layernorm_;
  Tensor keys_of_latent_, values_of_latent_;  // kv_b_proj: [heads, rank, nope] and [heads, v_head_dim, rank]
  Linear o_proj_;
};

}  // namespace hearth
