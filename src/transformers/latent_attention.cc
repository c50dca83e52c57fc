#include "transformers/latent_attention.h"

#include <cmath>
#include <tuple>
#include <utility>

namespace hearth {
namespace {

/// Rows of each head's part that does not turn, or of the part that does, which lies behind it.
Stored query_rows(const LatentKind& kind, int64_t heads, bool is_rope) {
  const auto nope = kind.qk_nope_head_dim, rope = kind.qk_rope_head_dim, head_dim = nope + rope;
  Stored out{.row_count = heads * head_dim};
  for (int64_t head = 0; head < heads; ++head) {
    const auto begin = head * head_dim;
    if (!is_rope) {
      out.rows.push_back({begin, nope});
    } else if (!kind.has_pairs) {
      out.rows.push_back({begin + nope, rope});
    } else {
      const auto rows = halves_of_pairs(begin + nope, 1, rope, rope);
      out.rows.insert(out.rows.end(), rows.begin(), rows.end());
    }
  }
  return out;
}

Stored key_rope_rows(const LatentKind& kind) {
  const auto rope = kind.qk_rope_head_dim;
  Stored out{.rows = {{kind.kv_lora_rank, rope}}, .row_count = kind.cached_width()};
  if (kind.has_pairs) out.rows = halves_of_pairs(kind.kv_lora_rank, 1, rope, rope);
  return out;
}

constexpr double kEps = 1e-6;  // of the norms between the ranks: the class's default, whatever rms_norm_eps is

}  // namespace

Result<LatentKind> LatentKind::read(const Config& c) {
  ConfigReader read(c.raw);
  LatentKind out{.q_lora_rank = c.raw["q_lora_rank"].is_null() ? 0 : read.size("q_lora_rank"),
                 .kv_lora_rank = read.size("kv_lora_rank", 512),
                 .qk_nope_head_dim = read.size("qk_nope_head_dim", 128),
                 .qk_rope_head_dim = read.size("qk_rope_head_dim", 64),
                 .v_head_dim = read.size("v_head_dim", 128),
                 .bias = bias_if(c.attention_bias)};
  TRY(read.take());
  out.scale = 1 / std::sqrt(static_cast<double>(out.qk_nope_head_dim + out.qk_rope_head_dim));
  const auto& rope = c.rope_parameters;
  if (rope.rope_type != "default" && rope.mscale_all_dim != 0 && rope.factor > 1) {
    const double mscale = 0.1 * rope.mscale_all_dim * std::log(rope.factor) + 1;
    out.scale *= mscale * mscale;
  }
  return out;
}

LatentAttention::LatentAttention(const Params& p, const Config& c, const LatentKind& kind)
    : kind_(kind),
      q_a_proj_(kind.q_lora_rank > 0
                    ? std::optional<Linear>(std::in_place, p / "q_a_proj", c.hidden_size, kind.q_lora_rank, kind.bias)
                    : std::nullopt),
      q_a_layernorm_(kind.q_lora_rank > 0
                         ? std::optional<RMSNorm>(std::in_place, p / "q_a_layernorm", kind.q_lora_rank, kEps)
                         : std::nullopt),
      q_nope_(p / (q_a_proj_ ? "q_b_proj" : "q_proj"), q_a_proj_ ? kind.q_lora_rank : c.hidden_size,
              c.num_attention_heads * kind.qk_nope_head_dim, Bias::none,
              query_rows(kind, c.num_attention_heads, /*is_rope=*/false)),
      q_rope_(p / (q_a_proj_ ? "q_b_proj" : "q_proj"), q_a_proj_ ? kind.q_lora_rank : c.hidden_size,
              c.num_attention_heads * kind.qk_rope_head_dim, Bias::none,
              query_rows(kind, c.num_attention_heads, /*is_rope=*/true)),
      kv_latent_(p / "kv_a_proj_with_mqa", c.hidden_size, kind.kv_lora_rank, kind.bias,
                 {.rows = {{0, kind.kv_lora_rank}}, .row_count = kind.cached_width()}),
      k_rope_(p / "kv_a_proj_with_mqa", c.hidden_size, kind.qk_rope_head_dim, kind.bias, key_rope_rows(kind)),
      kv_a_layernorm_(p / "kv_a_layernorm", kind.kv_lora_rank, kEps),
      o_proj_(p / "o_proj", c.num_attention_heads * kind.v_head_dim, c.hidden_size, kind.bias) {
  const auto heads = c.num_attention_heads, nope = kind.qk_nope_head_dim, values = kind.v_head_dim;
  Tensor both = p.store().array((p / "kv_b_proj").name("weight"), {heads * (nope + values), kind.kv_lora_rank});
  if (!both.defined()) return;  // noted: the model will not be made
  both = std::move(both).view({heads, nope + values, kind.kv_lora_rank});
  keys_of_latent_ = contiguous(both.narrow(1, 0, nope).transpose(1, 2));
  values_of_latent_ = contiguous(both.narrow(1, nope, values));
}

Tensor LatentAttention::operator()(const Config& c, Tensor x, const RMSNorm& norm, std::span<const Rope> ropes,
                                   const Batch& batch, size_t layer) const {
  const auto heads = c.num_attention_heads, rows = x.size(0);
  const auto& rope = ropes.front();
  Tensor q_nope, q_rope, latent, k_rope;
  if (q_a_proj_) {
    Tensor q_latent;
    std::tie(q_latent, latent, k_rope) = std::tuple_cat(project(norm, x, *q_a_proj_, kv_latent_, k_rope_));
    std::tie(q_nope, q_rope) = std::tuple_cat(project(*q_a_layernorm_, q_latent, q_nope_, q_rope_));
  } else {
    std::tie(q_nope, q_rope, latent, k_rope) = std::tuple_cat(project(norm, x, q_nope_, q_rope_, kv_latent_, k_rope_));
  }
  const Tensor carried = matmul_nt(split_heads(std::move(q_nope), heads).transpose(0, 1), keys_of_latent_);
  const Tensor q = cat({carried.transpose(0, 1), rope(split_heads(std::move(q_rope), heads))}, 2);
  const Tensor k = cat({split_heads(kv_a_layernorm_(latent), 1), rope(split_heads(std::move(k_rope), 1))}, 2);
  const Tensor gathered = batch.attention(layer, q, k, k, {.scale = kind_.scale});
  const Tensor latents = split_heads(gathered, heads).narrow(2, 0, kind_.kv_lora_rank).transpose(0, 1);
  Tensor values = contiguous(matmul_nt(latents, values_of_latent_).transpose(0, 1));
  return o_proj_.add_to(std::move(x), std::move(values).view({rows, heads * kind_.v_head_dim}));
}

}  // namespace hearth
