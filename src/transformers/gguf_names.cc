#include "transformers/gguf_names.h"

#include <string>
#include <vector>

#include "base/text.h"

namespace hearth {
namespace {

constexpr GgufPair kTop[] = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.norm"}, {"output", "lm_head"}};
constexpr GgufPair kParts[] = {{"attn_q_norm", "self_attn.q_norm"}, {"attn_k_norm", "self_attn.k_norm"},
                               {"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
                               {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
                               {"attn_output", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
                               {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
                               {"ffn_down", "mlp.down_proj"}};
constexpr GgufStack kLayers[] = {{.parts = kParts}};
constexpr GgufPair kExperts[] = {
    {"ffn_gate_exps", "gate_proj"}, {"ffn_up_exps", "up_proj"}, {"ffn_down_exps", "down_proj"}};
constexpr GgufPair kRmsNumbers[] = {{"attention.layer_norm_rms_epsilon", "rms_norm_eps"}};

// ---- LLaMA's kin ----

constexpr GgufPair kMixtralParts[] = {{"ffn_gate_inp", "block_sparse_moe.gate"}};
constexpr GgufStack kMixtralLayers[] = {{.parts = kMixtralParts, .others = kParts}};
constexpr GgufPair kMixtralExperts[] = {{"ffn_gate_exps", "w1"}, {"ffn_up_exps", "w3"}, {"ffn_down_exps", "w2"}};
constexpr GgufPair kMixtralNumbers[] = {{"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
                                        {"expert_count", "num_local_experts"},
                                        {"expert_used_count", "num_experts_per_tok"}};

constexpr GgufPair kQwen3MoeParts[] = {{"ffn_gate_inp", "mlp.gate"}};
constexpr GgufStack kQwen3MoeLayers[] = {{.parts = kQwen3MoeParts, .others = kParts}};
constexpr GgufPair kQwen3MoeNumbers[] = {{"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
                                         {"expert_count", "num_experts"},
                                         {"expert_used_count", "num_experts_per_tok"},
                                         {"expert_feed_forward_length", "moe_intermediate_size"}};

constexpr GgufPair kGemma2Parts[] = {{"post_attention_norm", "post_attention_layernorm"},
                                     {"ffn_norm", "pre_feedforward_layernorm"},
                                     {"post_ffw_norm", "post_feedforward_layernorm"}};
constexpr GgufStack kGemma2Layers[] = {{.parts = kGemma2Parts, .others = kParts}};
constexpr GgufPair kGemma2Numbers[] = {{"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
                                       {"attention.sliding_window", "sliding_window"},
                                       {"attn_logit_softcapping", "attn_logit_softcapping"},
                                       {"final_logit_softcapping", "final_logit_softcapping"}};

constexpr GgufPair kPhi3Parts[] = {{"attn_qkv", "self_attn.qkv_proj"}, {"ffn_up", "mlp.gate_up_proj"}};
constexpr GgufStack kPhi3Layers[] = {{.parts = kPhi3Parts, .others = kParts}};
constexpr GgufPair kPhi3Numbers[] = {{"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
                                     {"attention.sliding_window", "sliding_window"},
                                     {"rope.scaling.original_context_length", "original_max_position_embeddings"}};

constexpr GgufPair kDeepseekParts[] = {{"attn_q_a", "self_attn.q_a_proj"},
                                       {"attn_q_a_norm", "self_attn.q_a_layernorm"},
                                       {"attn_q_b", "self_attn.q_b_proj"},
                                       {"attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"},
                                       {"attn_kv_a_norm", "self_attn.kv_a_layernorm"},
                                       {"attn_kv_b", "self_attn.kv_b_proj"},
                                       {"ffn_gate_inp", "mlp.gate"},
                                       {"exp_probs_b", "mlp.gate.e_score_correction"},
                                       {"ffn_gate_shexp", "mlp.shared_experts.gate_proj"},
                                       {"ffn_up_shexp", "mlp.shared_experts.up_proj"},
                                       {"ffn_down_shexp", "mlp.shared_experts.down_proj"}};
constexpr GgufStack kDeepseekLayers[] = {{.parts = kDeepseekParts, .others = kParts}};
constexpr GgufPair kDeepseekNumbers[] = {{"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
                                         {"attention.q_lora_rank", "q_lora_rank"},
                                         {"attention.kv_lora_rank", "kv_lora_rank"},
                                         {"leading_dense_block_count", "first_k_dense_replace"},
                                         {"expert_count", "n_routed_experts"},
                                         {"expert_used_count", "num_experts_per_tok"},
                                         {"expert_shared_count", "n_shared_experts"},
                                         {"expert_feed_forward_length", "moe_intermediate_size"},
                                         {"expert_weights_scale", "routed_scaling_factor"},
                                         {"expert_weights_norm", "norm_topk_prob"},
                                         {"expert_group_count", "n_group"},
                                         {"expert_group_used_count", "topk_group"}};

// ---- layer norms, and one matrix up and one down ----

constexpr GgufPair kStarcoder2Parts[] = {{"ffn_up", "mlp.c_fc"}, {"ffn_down", "mlp.c_proj"}};
constexpr GgufStack kStarcoder2Layers[] = {{.parts = kStarcoder2Parts, .others = kParts}};
constexpr GgufPair kStarcoder2Numbers[] = {{"attention.layer_norm_epsilon", "norm_epsilon"},
                                           {"attention.sliding_window", "sliding_window"}};

constexpr GgufPair kNormNumbers[] = {{"attention.layer_norm_epsilon", "layer_norm_eps"}};

constexpr GgufPair kPhiTop[] = {
    {"token_embd", "model.embed_tokens"}, {"output_norm", "model.final_layernorm"}, {"output", "lm_head"}};
constexpr GgufPair kPhiParts[] = {{"attn_output", "self_attn.dense"}, {"ffn_up", "mlp.fc1"}, {"ffn_down", "mlp.fc2"}};
constexpr GgufStack kPhiLayers[] = {{.parts = kPhiParts, .others = kParts}};

constexpr GgufPair kFalconTop[] = {
    {"token_embd", "transformer.word_embeddings"}, {"output_norm", "transformer.ln_f"}, {"output", "lm_head"}};
constexpr GgufPair kFalconParts[] = {{"attn_norm", "input_layernorm"},
                                     {"attn_qkv", "self_attention.query_key_value"},
                                     {"attn_output", "self_attention.dense"},
                                     {"ffn_up", "mlp.dense_h_to_4h"},
                                     {"ffn_down", "mlp.dense_4h_to_h"}};
constexpr GgufStack kFalconLayers[] = {{.ours = "transformer.h", .parts = kFalconParts}};
constexpr GgufPair kTwoNormsParts[] = {{"attn_norm", "ln_mlp"}, {"attn_norm_2", "ln_attn"}};
constexpr GgufStack kTwoNormsLayers[] = {{.ours = "transformer.h", .parts = kTwoNormsParts, .others = kFalconParts}};
constexpr GgufPair kFalconNumbers[] = {{"attention.layer_norm_epsilon", "layer_norm_eps"},
                                       {"attention.head_count_kv", "num_kv_heads"}};

constexpr GgufPair kGpt2Top[] = {{"token_embd", "transformer.wte"},
                                 {"position_embd", "transformer.wpe"},
                                 {"output_norm", "transformer.ln_f"},
                                 {"output", "lm_head"}};
constexpr GgufPair kGpt2Parts[] = {{"attn_norm", "ln_1"}, {"attn_qkv", "attn.c_attn"}, {"attn_output", "attn.c_proj"},
                                   {"ffn_norm", "ln_2"},  {"ffn_up", "mlp.c_fc"},      {"ffn_down", "mlp.c_proj"}};
constexpr GgufStack kGpt2Layers[] = {{.ours = "transformer.h", .parts = kGpt2Parts}};

constexpr GgufPair kBloomTop[] = {{"token_embd", "transformer.word_embeddings"},
                                  {"token_embd_norm", "transformer.word_embeddings_layernorm"},
                                  {"output_norm", "transformer.ln_f"},
                                  {"output", "lm_head"}};
constexpr GgufPair kBloomParts[] = {{"ffn_norm", "post_attention_layernorm"}};
constexpr GgufStack kBloomLayers[] = {{.ours = "transformer.h", .parts = kBloomParts, .others = kFalconParts}};

constexpr GgufPair kNeoxTop[] = {
    {"token_embd", "gpt_neox.embed_in"}, {"output_norm", "gpt_neox.final_layer_norm"}, {"output", "lm_head"}};
constexpr GgufPair kNeoxParts[] = {{"attn_norm", "input_layernorm"},   {"attn_qkv", "attention.query_key_value"},
                                   {"attn_output", "attention.dense"}, {"ffn_norm", "post_attention_layernorm"},
                                   {"ffn_up", "mlp.dense_h_to_4h"},    {"ffn_down", "mlp.dense_4h_to_h"}};
constexpr GgufStack kNeoxLayers[] = {{.ours = "gpt_neox.layers", .parts = kNeoxParts}};
constexpr GgufPair kNeoxNumbers[] = {{"attention.layer_norm_epsilon", "layer_norm_eps"},
                                     {"use_parallel_residual", "use_parallel_residual"}};

// ---- T5 ----

constexpr GgufPair kT5Top[] = {{"token_embd", "shared"},
                               {"enc.output_norm", "encoder.final_layer_norm"},
                               {"dec.output_norm", "decoder.final_layer_norm"},
                               {"output", "lm_head"}};
constexpr GgufPair kT5Attention[] = {{"attn_norm", "layer.0.layer_norm"},
                                     {"attn_q", "layer.0.SelfAttention.q"},
                                     {"attn_k", "layer.0.SelfAttention.k"},
                                     {"attn_v", "layer.0.SelfAttention.v"},
                                     {"attn_o", "layer.0.SelfAttention.o"},
                                     {"attn_rel_b", "layer.0.SelfAttention.relative_attention_bias"},
                                     {"cross_attn_norm", "layer.1.layer_norm"},
                                     {"cross_attn_q", "layer.1.EncDecAttention.q"},
                                     {"cross_attn_k", "layer.1.EncDecAttention.k"},
                                     {"cross_attn_v", "layer.1.EncDecAttention.v"},
                                     {"cross_attn_o", "layer.1.EncDecAttention.o"},
                                     {"cross_attn_rel_b", "layer.1.EncDecAttention.relative_attention_bias"}};
constexpr GgufPair kT5Encoder[] = {{"ffn_norm", "layer.1.layer_norm"},
                                   {"ffn_up", "layer.1.DenseReluDense.wi"},
                                   {"ffn_down", "layer.1.DenseReluDense.wo"}};
constexpr GgufPair kT5Decoder[] = {{"ffn_norm", "layer.2.layer_norm"},
                                   {"ffn_up", "layer.2.DenseReluDense.wi"},
                                   {"ffn_down", "layer.2.DenseReluDense.wo"}};
constexpr GgufPair kGatedT5Encoder[] = {{"ffn_norm", "layer.1.layer_norm"},
                                        {"ffn_gate", "layer.1.DenseReluDense.wi_0"},
                                        {"ffn_up", "layer.1.DenseReluDense.wi_1"},
                                        {"ffn_down", "layer.1.DenseReluDense.wo"}};
constexpr GgufPair kGatedT5Decoder[] = {{"ffn_norm", "layer.2.layer_norm"},
                                        {"ffn_gate", "layer.2.DenseReluDense.wi_0"},
                                        {"ffn_up", "layer.2.DenseReluDense.wi_1"},
                                        {"ffn_down", "layer.2.DenseReluDense.wo"}};
constexpr GgufStack kT5Layers[] = {
    {.theirs = "enc.blk", .ours = "encoder.block", .parts = kT5Encoder, .others = kT5Attention},
    {.theirs = "dec.blk", .ours = "decoder.block", .parts = kT5Decoder, .others = kT5Attention}};
constexpr GgufStack kGatedT5Layers[] = {
    {.theirs = "enc.blk", .ours = "encoder.block", .parts = kGatedT5Encoder, .others = kT5Attention},
    {.theirs = "dec.blk", .ours = "decoder.block", .parts = kGatedT5Decoder, .others = kT5Attention}};
constexpr GgufPair kT5Numbers[] = {{"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
                                   {"attention.layer_norm_epsilon", "rms_norm_eps"},
                                   {"attention.relative_buckets_count", "relative_attention_num_buckets"},
                                   {"decoder_block_count", "num_decoder_layers"},
                                   {"decoder_start_token_id", "decoder_start_token_id"}};

constexpr std::string_view kGeluTanh = "gelu_new gelu_pytorch_tanh gelu_fast gelu_accurate";
// What llama.cpp calls GELU is the tanh form; these families' real files say "gelu" and are run so.
constexpr std::string_view kAnyGelu = "gelu gelu_new gelu_pytorch_tanh gelu_fast gelu_accurate";

constexpr GgufLayout kLayouts[] = {
    {.key = "llama",
     .architecture = "llama",
     .top = kTop,
     .stacks = kLayers,
     .numbers = kRmsNumbers,
     .permutes_rows = true},
    {.key = "mistral",
     .architecture = "llama",
     .top = kTop,
     .stacks = kLayers,
     .numbers = kRmsNumbers,
     .permutes_rows = true},
    {.key = "mixtral",
     .architecture = "llama",
     .top = kTop,
     .stacks = kMixtralLayers,
     .numbers = kMixtralNumbers,
     .experts = kMixtralExperts,
     .experts_path = "block_sparse_moe.experts",
     .expert_count = "num_local_experts",
     .permutes_rows = true},
    {.key = "smollm3",
     .architecture = "smollm3",
     .top = kTop,
     .stacks = kLayers,
     .numbers = kRmsNumbers,
     .permutes_rows = true},
    {.key = "qwen2", .architecture = "qwen2", .top = kTop, .stacks = kLayers, .numbers = kRmsNumbers},
    {.key = "qwen3", .architecture = "qwen3", .top = kTop, .stacks = kLayers, .numbers = kRmsNumbers},
    {.key = "qwen3_moe",
     .architecture = "qwen3moe",
     .top = kTop,
     .stacks = kQwen3MoeLayers,
     .numbers = kQwen3MoeNumbers,
     .experts = kExperts,
     .expert_count = "num_experts"},
    {.key = "deepseek_v2",
     .architecture = "deepseek2",
     .top = kTop,
     .stacks = kDeepseekLayers,
     .numbers = kDeepseekNumbers,
     .experts = kExperts,
     .expert_count = "n_routed_experts",
     .splits_kv_b = true},
    {.key = "deepseek_v3",
     .architecture = "deepseek2",
     .top = kTop,
     .stacks = kDeepseekLayers,
     .numbers = kDeepseekNumbers,
     .experts = kExperts,
     .expert_count = "n_routed_experts",
     .splits_kv_b = true},
    {.key = "gemma",
     .architecture = "gemma",
     .top = kTop,
     .stacks = kLayers,
     .numbers = kRmsNumbers,
     .norms_add_one = true,
     .activations = kAnyGelu},
    {.key = "gemma2",
     .architecture = "gemma2",
     .top = kTop,
     .stacks = kGemma2Layers,
     .numbers = kGemma2Numbers,
     .norms_add_one = true,
     .activations = kGeluTanh},
    {.key = "gemma3_text",
     .architecture = "gemma3",
     .top = kTop,
     .stacks = kGemma2Layers,
     .numbers = kGemma2Numbers,
     .norms_add_one = true,
     .activations = kGeluTanh},
    {.key = "phi3", .architecture = "phi3", .top = kTop, .stacks = kPhi3Layers, .numbers = kPhi3Numbers},
    {.key = "starcoder2",
     .architecture = "starcoder2",
     .top = kTop,
     .stacks = kStarcoder2Layers,
     .numbers = kStarcoder2Numbers,
     .activations = kGeluTanh},
    {.key = "phi",
     .architecture = "phi2",
     .top = kPhiTop,
     .stacks = kPhiLayers,
     .numbers = kNormNumbers,
     .activations = kGeluTanh},
    {.key = "falcon",
     .architecture = "falcon",
     .top = kFalconTop,
     .stacks = kFalconLayers,
     .numbers = kFalconNumbers,
     .groups_qkv = true,
     .activations = kAnyGelu},
    {.key = "falcon with two norms",
     .architecture = "falcon",
     .top = kFalconTop,
     .stacks = kTwoNormsLayers,
     .numbers = kFalconNumbers,
     .groups_qkv = true,
     .activations = kAnyGelu},
    {.key = "gpt2",
     .architecture = "gpt2",
     .top = kGpt2Top,
     .stacks = kGpt2Layers,
     .numbers = kNormNumbers,
     .transposes = true,
     .activations = kGeluTanh},
    {.key = "bloom",
     .architecture = "bloom",
     .top = kBloomTop,
     .stacks = kBloomLayers,
     .numbers = kNormNumbers,
     .groups_qkv = true,
     .activations = {}},
    {.key = "gpt_neox",
     .architecture = "gptneox",
     .top = kNeoxTop,
     .stacks = kNeoxLayers,
     .numbers = kNeoxNumbers,
     .groups_qkv = true,
     .activations = kAnyGelu},
    {.key = "t5", .architecture = "t5", .top = kT5Top, .stacks = kT5Layers, .numbers = kT5Numbers, .activations = {}},
    {.key = "gated t5",
     .architecture = "t5",
     .top = kT5Top,
     .stacks = kGatedT5Layers,
     .numbers = kT5Numbers,
     .activations = {}},
};

std::string_view key_of(const Json& config) {
  const auto model_type = config["model_type"].as_string();
  if (model_type == "falcon") {
    const bool is_new = config["new_decoder_architecture"].as_bool(false);
    const bool is_parallel = config["parallel_attn"].as_bool(true);
    if (is_parallel && config["num_ln_in_parallel_attn"].as_int(is_new ? 2 : 1) == 2) return "falcon with two norms";
  }
  if (model_type == "t5" || model_type == "mt5" || model_type == "umt5")
    return config["feed_forward_proj"].as_string(model_type == "t5" ? "relu" : "gated-gelu") == "relu" ? "t5"
                                                                                                       : "gated t5";
  return model_type;
}

}  // namespace

const GgufLayout* gguf_layout(const Json& config) {
  const auto key = key_of(config);
  for (const auto& layout : kLayouts)
    if (layout.key == key) return &layout;
  return nullptr;
}

std::string known_gguf_families() {
  std::vector<std::string> out;
  for (const auto& layout : kLayouts)
    if (!contains(layout.key, " ")) out.emplace_back(layout.key);
  out.insert(out.end(), {"mt5", "umt5"});
  return join(out, ", ");
}

}  // namespace hearth
