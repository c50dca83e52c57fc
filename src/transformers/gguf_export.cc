#include "transformers/gguf_export.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "base/files.h"
#include "base/text.h"
#include "tokenizers/auto_tokenizer.h"
#include "tokenizers/gguf_vocabulary.h"
#include "tokenizers/tokenizer.h"
#include "transformers/gguf_names.h"
#include "transformers/rope.h"

namespace hearth {
namespace {

constexpr uint64_t kFileMax = 1u << 30;

Status refuse(const Config& c, std::string_view what) {
  return {Code::unsupported, cat("GGUF's ", gguf_layout(c.raw)->architecture, " has no ", what)};
}

/// Windows of attention: of which layers, no key says.
Status check_windows(const Config& c) {
  const auto& type = c.model_type;
  const auto slides_on_layers = [&](auto&& is_sliding) {
    for (size_t i = 0; i < c.layer_types.size() && i < static_cast<size_t>(c.num_hidden_layers); ++i)
      if ((c.layer_types[i] == "sliding_attention") != is_sliding(i)) return false;
    return true;
  };
  if (type == "gemma2" || type == "gemma3_text") {
    const size_t step = type == "gemma2" ? 2 : 6;
    const auto is_sliding = [step](size_t i) { return (i + 1) % step != 0; };
    return slides_on_layers(is_sliding) ? Status() : refuse(c, cat("other layer_types than every ", step, "th full"));
  }
  const bool may_slide = type == "phi3" || type == "starcoder2";  // all layers do
  const bool has_switch = type == "qwen2" || type == "qwen3" || type == "qwen3_moe" || type == "smollm3";
  const bool slides = has_switch ? c.raw["use_sliding_window"].as_bool(false) : c.sliding_window > 0;
  if (!slides || may_slide || type == "llama") return {};
  return {Code::unsupported,
          cat("a model of type ", type, " with a sliding window is not written to GGUF: llama.cpp's ",
              gguf_layout(c.raw)->architecture, " has none")};
}

/// What a configuration may ask for and llama.cpp's graph does not compute.
Status check_computed(const Config& c) {
  const auto& type = c.model_type;
  const auto flag = [&](std::string_view key, bool otherwise) { return c.raw[key].as_bool(otherwise); };
  const auto* layout = gguf_layout(c.raw);
  const auto known = split(layout->activations, ' ');
  if (!layout->activations.empty() && std::ranges::find(known, c.hidden_act) == known.end())
    return {Code::unsupported, cat("GGUF's ", layout->architecture, " has no hidden_act ", c.hidden_act, ", only ",
                                   join({known.begin(), known.end()}, ", "))};
  TRY(check_windows(c));
  if ((type == "qwen3" || type == "qwen3_moe") && c.attention_bias) return refuse(c, "attention_bias");
  if (type == "qwen3_moe" && !flag("norm_topk_prob", false)) return refuse(c, "norm_topk_prob of false");
  if (type == "qwen3_moe" && (c.raw["decoder_sparse_step"].as_int(1) != 1 || c.raw["mlp_only_layers"].size() > 0))
    return refuse(c, "layers without experts (decoder_sparse_step, mlp_only_layers)");
  if (type == "smollm3") {
    const auto listed = c.raw["no_rope_layers"].array();
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
      const bool has_rope = (i + 1) % 4 != 0, is_listed = static_cast<size_t>(i) < listed.size();
      const bool is_as_asked = is_listed ? (listed[static_cast<size_t>(i)].as_int() != 0) == has_rope
                                         : c.raw["no_rope_layer_interval"].as_int(4) == 4;
      if (!is_as_asked) return refuse(c, "other layers without positions than every fourth");
    }
  }
  if (type == "gemma2" || type == "gemma3_text") {
    const int64_t layers_of_27b = type == "gemma2" ? 46 : 62, width = c.hidden_size / c.num_attention_heads;
    const auto scalar = c.raw["query_pre_attn_scalar"].as_double(256);
    if (scalar != static_cast<double>(c.num_hidden_layers == layers_of_27b ? width : c.head_dim))
      return refuse(c, cat("query_pre_attn_scalar ", scalar, " (a head's size, or its share in the largest model)"));
  }
  if (type == "gemma3_text" &&
      (c.rope("sliding_attention").rope_type != "default" || c.rope("sliding_attention").rope_theta != 10000))
    return refuse(c, "other positions of sliding layers than those of rope_theta 10000");
  if (type == "gpt2" && (!flag("scale_attn_weights", true) || flag("scale_attn_by_inverse_layer_idx", false)))
    return refuse(c, "scale_attn_weights of false and no scale_attn_by_inverse_layer_idx");
  if (type == "bloom" && flag("apply_residual_connection_post_layernorm", false))
    return refuse(c, "apply_residual_connection_post_layernorm");
  if (type == "phi" && flag("qk_layernorm", false)) return refuse(c, "qk_layernorm");
  if (type == "gpt_neox" && !c.attention_bias) return refuse(c, "attention_bias of false");
  if (gguf_layout(c.raw)->splits_kv_b) {
    if (c.attention_bias || c.mlp_bias) return refuse(c, "attention_bias and no mlp_bias");
    if (!flag("rope_interleave", true)) return refuse(c, "rope_interleave of false");
    const auto& rope = c.rope_parameters;
    if (rope.rope_type == "yarn" &&
        (rope.mscale == 0 || rope.mscale != rope.mscale_all_dim || rope.attention_factor > 0))
      return refuse(c, "yarn whose mscale is not mscale_all_dim");
  }
  if (gguf_layout(c.raw)->architecture == "t5") {
    const auto distance = c.raw["relative_attention_max_distance"].as_int(128);
    const auto proj = c.raw["feed_forward_proj"].as_string("relu");
    if (distance != 128) return refuse(c, cat("relative_attention_max_distance ", distance, ", only 128"));
    if (proj != "relu" && proj != "gated-gelu") return refuse(c, cat("feed_forward_proj ", proj));
  }
  if (type == "falcon") {
    const bool is_new = flag("new_decoder_architecture", false);
    if (flag("alibi", false)) return refuse(c, "alibi");
    if (flag("bias", false)) return refuse(c, "bias");
    if (!is_new && (!flag("parallel_attn", true) || !flag("multi_query", true)))
      return refuse(c, "parallel_attn or multi_query of false");
  }
  return {};
}

bool has_rope(const Config& c) {
  return c.model_type != "gpt2" && c.model_type != "bloom" && gguf_layout(c.raw)->architecture != "t5";
}

Status add_rope(const Config& c, std::string_view architecture, std::vector<GgufEntry>& out) {
  if (!has_rope(c)) return {};
  const auto& rope = c.rope("full_attention");
  const auto key = [&](std::string_view leaf) { return cat(architecture, ".rope.", leaf); };
  const bool is_latent = gguf_layout(c.raw)->splits_kv_b;
  const auto rotated = is_latent ? c.raw["qk_rope_head_dim"].as_int(64)
                                 : static_cast<int64_t>(rope.partial_rotary_factor * static_cast<double>(c.head_dim));
  out.push_back({key("freq_base"), static_cast<float>(rope.rope_theta)});
  out.push_back({key("dimension_count"), static_cast<uint32_t>(rotated)});
  const auto original = rope.original_max_position_embeddings;
  if (c.model_type == "phi3" && original > 0)
    out.push_back({key("scaling.original_context_length"), static_cast<uint32_t>(original)});
  if (rope.rope_type == "default" || (rope.rope_type == "llama3" && gguf_layout(c.raw)->permutes_rows)) return {};
  if (c.model_type == "phi3" && rope.rope_type == "longrope" && original > 0) {
    const double scale = static_cast<double>(c.max_position_embeddings) / static_cast<double>(original);
    const double factor = rope.attention_factor > 0 ? rope.attention_factor
                          : scale > 1 ? std::sqrt(1 + std::log(scale) / std::log(static_cast<double>(original)))
                                      : 1;
    out.push_back({key("scaling.attn_factor"), static_cast<float>(factor)});
    return {};
  }
  const bool is_plain_yarn = rope.rope_type == "yarn" && rope.attention_factor == 0 &&
                             (rope.mscale == 0 || is_latent) && rope.beta_fast == 32 && rope.beta_slow == 1 &&
                             rope.has_factor;
  if (rope.rope_type != "linear" && !is_plain_yarn)
    return {Code::unsupported,
            cat("GGUF's ", architecture, " has no rope_type ", rope.rope_type, " with these parameters")};
  out.push_back({key("scaling.type"), rope.rope_type});
  out.push_back({key("scaling.factor"), static_cast<float>(rope.factor)});
  if (original > 0) out.push_back({key("scaling.original_context_length"), static_cast<uint32_t>(original)});
  if (is_latent && rope.mscale_all_dim != 0)
    out.push_back({key("scaling.yarn_log_multiplier"), static_cast<float>(0.1 * rope.mscale_all_dim)});
  return {};
}

/// Latent attention is one head for keys and values to llama.cpp, as wide as the latent and the rotated part.
void add_latent(const Config& c, std::string_view architecture, std::vector<GgufEntry>& out) {
  const auto rank = c.raw["kv_lora_rank"].as_int(512), rope = c.raw["qk_rope_head_dim"].as_int(64),
             nope = c.raw["qk_nope_head_dim"].as_int(128), values = c.raw["v_head_dim"].as_int(128);
  const bool is_v3 = c.model_type == "deepseek_v3";
  const std::pair<const char*, int64_t> kNumbers[] = {
      {"attention.head_count_kv", 1},         {"attention.key_length", rank + rope},
      {"attention.value_length", rank},       {"attention.key_length_mla", nope + rope},
      {"attention.value_length_mla", values}, {"expert_gating_func", is_v3 ? 2 : 1}};
  for (const auto& [name, number] : kNumbers)
    out.push_back({cat(architecture, ".", name), static_cast<uint32_t>(number)});
}

/// What configuration classes set that files may leave out.
struct ClassDefault {
  std::string_view model_type, key, json;
};
constexpr ClassDefault kClassDefaults[] = {{"t5", "relative_attention_num_buckets", "32"},
                                           {"mt5", "relative_attention_num_buckets", "32"},
                                           {"umt5", "relative_attention_num_buckets", "32"},
                                           {"mixtral", "num_local_experts", "8"},
                                           {"mixtral", "num_experts_per_tok", "2"},
                                           {"qwen3_moe", "num_experts", "128"},
                                           {"qwen3_moe", "num_experts_per_tok", "8"},
                                           {"qwen3_moe", "moe_intermediate_size", "768"},
                                           {"deepseek_v2", "kv_lora_rank", "512"},
                                           {"deepseek_v2", "first_k_dense_replace", "0"},
                                           {"deepseek_v2", "n_routed_experts", "64"},
                                           {"deepseek_v2", "n_shared_experts", "2"},
                                           {"deepseek_v2", "moe_intermediate_size", "1407"},
                                           {"deepseek_v2", "routed_scaling_factor", "1.0"},
                                           {"deepseek_v3", "kv_lora_rank", "512"},
                                           {"deepseek_v3", "first_k_dense_replace", "3"},
                                           {"deepseek_v3", "n_routed_experts", "256"},
                                           {"deepseek_v3", "n_shared_experts", "1"},
                                           {"deepseek_v3", "num_experts_per_tok", "8"},
                                           {"deepseek_v3", "moe_intermediate_size", "2048"},
                                           {"deepseek_v3", "routed_scaling_factor", "2.5"},
                                           {"deepseek_v3", "norm_topk_prob", "true"},
                                           {"deepseek_v3", "n_group", "8"},
                                           {"deepseek_v3", "topk_group", "4"}};

/// A number of config.json, in the type that llama.cpp asks it for.
void add_number(const Config& c, std::string_view theirs, std::string_view ours, std::string_view architecture,
                std::vector<GgufEntry>& out) {
  Json value = c.raw[ours];
  if (ours == "rms_norm_eps") value = c.rms_norm_eps;
  if (ours == "layer_norm_eps" || ours == "norm_epsilon") value = c.layer_norm_eps;
  if (ours == "use_parallel_residual") value = value.as_bool(true);
  if (ours == "sliding_window") value = c.sliding_window;
  if (c.model_type == "deepseek_v2" && ours == "norm_topk_prob") return;  // it never does
  if (c.model_type == "deepseek_v2" && ours.ends_with("_group") &&
      c.raw["topk_method"].as_string() != "group_limited_greedy")
    return;
  for (const auto& [model_type, key, otherwise] : kClassDefaults)
    if (value.is_null() && model_type == c.model_type && key == ours) value = *Json::parse(otherwise);
  if (ours == "num_kv_heads") value = c.raw["new_decoder_architecture"].as_bool(false) ? value : Json(1);
  const auto key = cat(architecture, ".", theirs);
  const bool is_real = theirs.ends_with("epsilon") || theirs.ends_with("softcapping") || theirs.ends_with("scale");
  if (value.is_bool()) {
    out.push_back({key, value.as_bool()});
  } else if (value.is_number() && is_real) {
    out.push_back({key, static_cast<float>(value.as_double(static_cast<double>(value.as_int())))});
  } else if (value.is_int() && value.as_int() >= 0) {
    out.push_back({key, static_cast<uint32_t>(value.as_int())});
  }
}

Status add_tokenizer(const Config& c, const std::string& folder, std::vector<GgufEntry>& out) {
  const auto json = TRY(Json::parse(TRY(read_file(path_join(folder, "tokenizer.json"), kFileMax))));
  auto vocabulary = TRY(gguf_vocabulary(json, c.vocab_size));
  const auto tokenizer = TRY(Tokenizer::from_folder(folder));
  out.push_back({"tokenizer.ggml.model", vocabulary.model});
  if (!vocabulary.pre.empty()) out.push_back({"tokenizer.ggml.pre", vocabulary.pre});
  out.push_back({"tokenizer.ggml.tokens", std::move(vocabulary.tokens)});
  out.push_back({"tokenizer.ggml.token_type", std::move(vocabulary.token_types)});
  if (!vocabulary.scores.empty()) out.push_back({"tokenizer.ggml.scores", std::move(vocabulary.scores)});
  if (!vocabulary.charsmap.empty())
    out.push_back({"tokenizer.ggml.precompiled_charsmap", std::move(vocabulary.charsmap)});
  if (vocabulary.remove_extra_whitespaces)
    out.push_back({"tokenizer.ggml.remove_extra_whitespaces", *vocabulary.remove_extra_whitespaces});
  if (!vocabulary.merges.empty()) out.push_back({"tokenizer.ggml.merges", std::move(vocabulary.merges)});
  if (vocabulary.add_space_prefix) out.push_back({"tokenizer.ggml.add_space_prefix", *vocabulary.add_space_prefix});
  const auto roles = tokenizer.special_tokens();
  const std::pair<const char*, std::optional<TokenId>> ids[] = {
      {"bos", roles.bos}, {"eos", roles.eos}, {"unknown", roles.unk}, {"padding", roles.pad}};
  for (const auto& [role, id] : ids)
    if (id) out.push_back({cat("tokenizer.ggml.", role, "_token_id"), static_cast<uint32_t>(*id)});
  const auto sample = TRY(tokenizer.encode("a")).ids;
  out.push_back({"tokenizer.ggml.add_bos_token", !sample.empty() && roles.bos && sample.front() == *roles.bos});
  out.push_back({"tokenizer.ggml.add_eos_token", !sample.empty() && roles.eos && sample.back() == *roles.eos});
  if (const auto chat = tokenizer.chat_template(); !chat.empty())
    out.push_back({"tokenizer.chat_template", std::string(chat)});
  return {};
}

}  // namespace

Result<std::vector<GgufEntry>> gguf_metadata(const Config& c, const std::string& folder) {
  const auto* layout = gguf_layout(c.raw);
  if (!layout)
    return Status(Code::unsupported,
                  cat("a model of type ", c.model_type, " is not written to GGUF (", known_gguf_families(), " are)"));
  TRY(check_computed(c));
  const std::string architecture(layout->architecture);
  const auto key = [&](std::string_view leaf) { return cat(architecture, ".", leaf); };
  const bool is_t5 = architecture == "t5";
  const auto positions = is_t5 ? c.raw["n_positions"].as_int(512) : c.max_position_embeddings;
  const auto inner = is_t5 ? c.raw["d_ff"].as_int(2048) : c.intermediate_size;
  std::vector<GgufEntry> out = {{"general.architecture", architecture},
                                {"general.type", std::string("model")},
                                {"general.name", std::string(path_name(folder))},
                                {"general.quantization_version", uint32_t{2}},
                                {key("vocab_size"), static_cast<uint32_t>(c.vocab_size)},
                                {key("context_length"), static_cast<uint32_t>(positions)},
                                {key("embedding_length"), static_cast<uint32_t>(c.hidden_size)},
                                {key("block_count"), static_cast<uint32_t>(c.num_hidden_layers)},
                                {key("feed_forward_length"), static_cast<uint32_t>(inner)},
                                {key("attention.head_count"), static_cast<uint32_t>(c.num_attention_heads)}};
  if (layout->splits_kv_b) add_latent(c, architecture, out);
  if (architecture != "falcon" && !layout->splits_kv_b)
    out.push_back({key("attention.head_count_kv"), static_cast<uint32_t>(c.num_key_value_heads)});
  if (architecture == "falcon") out.push_back({key("tensor_data_layout"), std::string("jploski")});
  if ((has_rope(c) || is_t5) && architecture != "falcon" && !layout->splits_kv_b) {
    out.push_back({key("attention.key_length"), static_cast<uint32_t>(c.head_dim)});
    out.push_back({key("attention.value_length"), static_cast<uint32_t>(c.head_dim)});
  }
  for (const auto& [theirs, ours] : layout->numbers)
    if (!theirs.starts_with("rope.")) add_number(c, theirs, ours, architecture, out);
  TRY(add_rope(c, architecture, out));
  TRY(add_tokenizer(c, folder, out));
  return out;
}

Result<std::vector<WeightSource>> gguf_rope_tensors(const Config& c) {
  std::vector<WeightSource> out;
  const auto add = [&out](std::string name, std::vector<float> values) {
    auto owner = std::make_shared<std::vector<float>>(std::move(values));
    out.push_back({.name = std::move(name),
                   .dtype = DType::f32,
                   .shape = {static_cast<int64_t>(owner->size())},
                   .data = std::as_bytes(std::span(*owner)),
                   .owner = owner});
  };
  const auto& rope = c.rope_parameters;
  if (rope.rope_type == "longrope") {
    add("rope_factors_long.weight", {rope.long_factor.begin(), rope.long_factor.end()});
    add("rope_factors_short.weight", {rope.short_factor.begin(), rope.short_factor.end()});
  }
  if (rope.rope_type != "llama3") return out;
  auto plain = rope;
  plain.rope_type = "default";
  const auto scaled = TRY(RopeFrequencies::from(c)).inv_freq(1);
  const auto base = TRY(RopeFrequencies::from(c, plain)).inv_freq(1);
  std::vector<float> divisors;
  for (size_t i = 0; i < base.size(); ++i) divisors.push_back(base[i] / scaled[i]);
  add("rope_freqs.weight", std::move(divisors));
  return out;
}

}  // namespace hearth
