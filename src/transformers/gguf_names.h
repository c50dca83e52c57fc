// How GGUF files of each architecture differ from checkpoints: what tensors and numbers are called there and here, and
// which values are others.
// Source: gguf 0.19.0 tensor_mapping.py, constants.py; llama.cpp convert_hf_to_gguf.py (b11434).
#pragma once

#include <span>
#include <string_view>
#include <utility>

namespace hearth {

/// GGUF's name and the checkpoint's.
using GgufPair = std::pair<std::string_view, std::string_view>;

constexpr GgufPair kGgufTop[] = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};
/// Below "blk.N" and "model.layers.N".
constexpr GgufPair kGgufLayer[] = {{"attn_q_norm", "self_attn.q_norm"}, {"attn_k_norm", "self_attn.k_norm"},
                                   {"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
                                   {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
                                   {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
                                   {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
                                   {"ffn_down", "mlp.down_proj"}};

/// One tensor [experts, outputs, inputs] for all experts of a layer, and each expert's below
/// "model.layers.N.mlp.experts.N".
constexpr GgufPair kGgufExperts[] = {
    {"ffn_gate_exps", "gate_proj"}, {"ffn_up_exps", "up_proj"}, {"ffn_down_exps", "down_proj"}};

constexpr GgufPair kGgufNumbers[] = {{"attention.head_count_kv", "num_key_value_heads"},
                                     {"attention.key_length", "head_dim"},
                                     {"context_length", "max_position_embeddings"},
                                     {"attention.layer_norm_rms_epsilon", "rms_norm_eps"}};

/// What an architecture has in place of the tables above, or beside them.
struct GgufLayout {
  std::string_view architecture;
  std::span<const GgufPair> layer = {}, numbers = {};
  bool permutes_rows = false;  ///< of Q and K: pairs of dimensions stand together that are halves in a checkpoint
  bool norms_add_one = false;  ///< what a norm multiplies by, where a checkpoint has one less
};

constexpr GgufPair kGgufGemma2Layer[] = {{"post_attention_norm", "post_attention_layernorm"},
                                         {"ffn_norm", "pre_feedforward_layernorm"},
                                         {"post_ffw_norm", "post_feedforward_layernorm"}};
constexpr GgufPair kGgufGemma2Numbers[] = {{"attention.sliding_window", "sliding_window"},
                                           {"attn_logit_softcapping", "attn_logit_softcapping"},
                                           {"final_logit_softcapping", "final_logit_softcapping"}};
constexpr GgufPair kGgufPhi3Layer[] = {{"attn_qkv", "self_attn.qkv_proj"}, {"ffn_up", "mlp.gate_up_proj"}};
constexpr GgufPair kGgufPhi3Numbers[] = {{"attention.sliding_window", "sliding_window"},
                                         {"rope.scaling.original_context_length", "original_max_position_embeddings"}};
constexpr GgufPair kGgufStarcoder2Layer[] = {{"ffn_up", "mlp.c_fc"}, {"ffn_down", "mlp.c_proj"}};
constexpr GgufPair kGgufStarcoder2Numbers[] = {{"attention.layer_norm_epsilon", "norm_epsilon"},
                                               {"attention.sliding_window", "sliding_window"}};

constexpr GgufPair kGgufQwen3MoeLayer[] = {{"ffn_gate_inp", "mlp.gate"}};
constexpr GgufPair kGgufQwen3MoeNumbers[] = {{"expert_count", "num_experts"},
                                             {"expert_used_count", "num_experts_per_tok"},
                                             {"expert_feed_forward_length", "moe_intermediate_size"}};

constexpr GgufLayout kGgufLayouts[] = {
    {.architecture = "llama", .permutes_rows = true},
    {.architecture = "gemma", .norms_add_one = true},
    {.architecture = "gemma2", .layer = kGgufGemma2Layer, .numbers = kGgufGemma2Numbers, .norms_add_one = true},
    {.architecture = "gemma3", .layer = kGgufGemma2Layer, .numbers = kGgufGemma2Numbers, .norms_add_one = true},
    {.architecture = "qwen3moe", .layer = kGgufQwen3MoeLayer, .numbers = kGgufQwen3MoeNumbers},
    {.architecture = "phi3", .layer = kGgufPhi3Layer, .numbers = kGgufPhi3Numbers},
    {.architecture = "starcoder2", .layer = kGgufStarcoder2Layer, .numbers = kGgufStarcoder2Numbers},
};

/// One that is not listed has no differences.
constexpr GgufLayout gguf_layout(std::string_view architecture) {
  for (const auto& layout : kGgufLayouts)
    if (layout.architecture == architecture) return layout;
  return {.architecture = architecture};
}

}  // namespace hearth
