// What tensors of GGUF's llama, qwen2 and qwen3 are called, there and in a checkpoint.
// Source: gguf 0.19.0 tensor_mapping.py.
#pragma once

#include <string_view>
#include <utility>

namespace hearth {

constexpr std::pair<std::string_view, std::string_view> kGgufTop[] = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};
/// Below "blk.N" and "model.layers.N".
constexpr std::pair<std::string_view, std::string_view> kGgufLayer[] = {
    {"attn_q_norm", "self_attn.q_norm"}, {"attn_k_norm", "self_attn.k_norm"},
    {"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"}};

}  // namespace hearth
