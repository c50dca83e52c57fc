#include "transformers/gguf_checkpoint.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>

#include "base/text.h"
#include "transformers/gguf_names.h"
#include "transformers/models_registry.h"

namespace hearth {
namespace {

/// The family whose `gguf` list has the architecture.
Result<const Family*> family_of_architecture(std::string_view architecture) {
  std::vector<std::string> known;
  for (const auto* family : transformers::models::entries()) {
    for (const std::string_view name : family->gguf) {
      if (name == architecture) return family;
      known.emplace_back(name);
    }
  }
  return Status(Code::unsupported, cat("general.architecture '", architecture,
                                       "' of the GGUF file is not known; there are: ", join(known, ", ")));
}

/// Metadata of one architecture: "attention.head_count" is "llama.attention.head_count" in the file.
class Keys {
 public:
  Keys(const WeightFile& file, std::string_view architecture) : file_(file), architecture_(architecture) {}

  Json json(std::string_view key) const {
    const auto* value = find(key);
    if (!value) return {};
    if (const auto flag = value->boolean()) return *flag;
    if (const auto integer = value->integer(); integer && value->type() != ValueType::f32) return *integer;
    if (const auto number = value->number()) return *number;
    return value->is_string() ? value->json() : Json();
  }
  Result<Json> required(std::string_view key) const {
    auto out = json(key);
    if (!out.is_number()) return Status(Code::bad_input, cat("the GGUF file has no number ", name(key)));
    return out;
  }
  std::string name(std::string_view key) const { return cat(architecture_, ".", key); }

 private:
  const MetadataValueView* find(std::string_view key) const { return file_.find_metadata(name(key)); }
  const WeightFile& file_;
  std::string_view architecture_;
};

/// The numbers of a small tensor of f32.
Result<Json::Array> numbers_of(const WeightTensorView& tensor) {
  if (tensor.dtype != DType::f32)
    return Status(Code::unsupported, cat(tensor.name, " is ", name(tensor.dtype), ", not F32"));
  Json::Array out;
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    float number;
    std::memcpy(&number, tensor.data.data() + static_cast<size_t>(i) * sizeof number, sizeof number);
    out.emplace_back(static_cast<double>(number));
  }
  return out;
}

/// The scaling of positions, if the file names one. Divisors, one a pair of dimensions, are tensors: Phi-3's for short
/// and for long texts, Llama 3.1's for all, which are longrope's factors too.
Result<Json> rope_parameters(const Weights& weights, const Keys& keys, int64_t head_dim) {
  Json out(Json::Object{{"rope_type", "default"}});
  if (const auto base = keys.json("rope.freq_base"); base.is_number()) out.set("rope_theta", base);
  const auto rotated = keys.json("rope.dimension_count").as_int(head_dim);
  if (rotated > 0 && rotated <= head_dim && head_dim > 0)
    out.set("partial_rotary_factor", static_cast<double>(rotated) / static_cast<double>(head_dim));
  const auto original = keys.json("rope.scaling.original_context_length");
  const auto type = keys.json("rope.scaling.type");
  if (type.is_string() && type.as_string() != "none") {
    out.set("rope_type", type);
    if (const auto factor = keys.json("rope.scaling.factor"); factor.is_number()) out.set("factor", factor);
    if (original.is_int()) out.set("original_max_position_embeddings", original);
    for (const auto* key : {"beta_fast", "beta_slow"})
      if (const auto beta = keys.json(cat("rope.scaling.yarn_", key)); beta.is_number()) out.set(key, beta);
    // llama.cpp's DeepSeek keeps a tenth of mscale_all_dim, and takes mscale for the same.
    if (const auto mscale = keys.json("rope.scaling.yarn_log_multiplier"); mscale.is_number())
      for (const auto* key : {"mscale", "mscale_all_dim"}) out.set(key, std::round(mscale.as_double() * 1e7) / 1e6);
  }
  const auto *all = weights.find("rope_freqs.weight"), *lengthy = weights.find("rope_factors_long.weight"),
             *brief = weights.find("rope_factors_short.weight");
  if (!all && !(lengthy && brief)) return out;
  out.set("rope_type", "longrope");
  out.set("short_factor", TRY(numbers_of(all ? *all : *brief)));
  out.set("long_factor", TRY(numbers_of(all ? *all : *lengthy)));
  out.set("attention_factor", all ? Json(1.0) : keys.json("rope.scaling.attn_factor"));
  return out;
}

constexpr GgufPair kNumbers[] = {{"attention.head_count_kv", "num_key_value_heads"},
                                 {"attention.key_length", "head_dim"},
                                 {"context_length", "max_position_embeddings"}};

/// The model_type whose family computes the file. One architecture may serve several.
Result<std::string> model_type_of(const Weights& weights, std::string_view architecture, const Keys& keys) {
  constexpr int64_t kSigmoid = 2;  // of expert_gating_func
  const auto* family = TRY(family_of_architecture(architecture));
  if (architecture == "deepseek2" && keys.json("expert_gating_func").as_int() == kSigmoid)
    return std::string("deepseek_v3");
  if (weights.find("enc.blk.1.attn_rel_b.weight")) return std::string("umt5");  // T5 has one for all layers
  if (architecture == "llama" && keys.json("expert_count").as_int() > 0) return std::string("mixtral");
  return std::string(*family->model_types.begin());
}

/// No key says which layers have biases: their tensors do.
Status set_biases(const Weights& weights, Json& out) {
  const auto has = [&](std::string_view name) { return weights.find(name) != nullptr; };
  const bool has_bias = has("blk.0.attn_q.bias") || has("blk.0.attn_qkv.bias");
  out.set("attention_bias", has_bias);
  out.set("mlp_bias", has("blk.0.ffn_gate.bias"));
  const auto model_type = out["model_type"].as_string();
  if (model_type == "starcoder2") out.set("use_bias", has_bias);
  if (model_type == "falcon") out.set("bias", has_bias);
  return {};
}

/// What the architectures compute without a key for it.
void set_what_is_taken_for_granted(const Weights& weights, std::string_view architecture, const Keys& keys, Json& out) {
  const auto model_type = out["model_type"].as_string();
  const auto kv_heads = keys.json("attention.head_count_kv").as_int(1);
  if (model_type == "qwen3_moe") out.set("norm_topk_prob", true);
  if (model_type == "falcon") {
    const bool has_two_norms = weights.find("blk.0.attn_norm_2.weight") != nullptr;
    out.set("new_decoder_architecture", has_two_norms || kv_heads > 1);
    out.set("num_ln_in_parallel_attn", has_two_norms ? 2 : 1);
    out.set("num_kv_heads", kv_heads);
    out.set("multi_query", true);
    out.set("parallel_attn", true);
    out.set("alibi", false);
  }
  if (architecture == "t5") {
    const bool is_tied = weights.find("output.weight") == nullptr;
    out.set("d_ff", out["intermediate_size"]);
    out.set("n_positions", out["max_position_embeddings"]);
    out.set("max_position_embeddings", Json());  // there is no end to relative ones
    out.set("feed_forward_proj", weights.find("enc.blk.0.ffn_gate.weight") ? "gated-gelu" : "relu");
    out.set("relative_attention_max_distance", 128);
    out.set("scale_decoder_outputs", is_tied);
    out.set("is_encoder_decoder", true);
    out.set("decoder_start_token_id", 0);
  }
  if (model_type == "smollm3") {
    out.set("no_rope_layer_interval", 4);
    out.set("use_sliding_window", false);
  }
}

/// Numbers that would make a model of any size from a small file.
Status check_sizes(const Weights& weights, const Keys& keys, const GgufLayout& layout, const Json& config) {
  const auto bad = [&](std::string_view key, int64_t found, std::string_view wanted) {
    return Status(Code::bad_input, cat(keys.name(key), " is ", found, ", not ", wanted));
  };
  const auto layers = config["num_hidden_layers"].as_int(), heads = config["num_attention_heads"].as_int(),
             width = config["hidden_size"].as_int();
  const auto tensors = static_cast<int64_t>(weights.tensors().size());
  if (layers < 1 || layers > tensors) return bad("block_count", layers, cat("what ", tensors, " tensors can make"));
  if (const auto decoder = config["num_decoder_layers"].as_int(1); decoder < 1 || decoder > tensors)
    return bad("decoder_block_count", decoder, cat("what ", tensors, " tensors can make"));
  if (const auto stored = weights.find("token_embd.weight")->shape[1]; width != stored)
    return bad("embedding_length", width, cat(stored, ", the width of token_embd.weight"));
  constexpr int64_t kHeadsMax = 1 << 14, kHeadDimMax = 1 << 16;
  if (heads < 1 || heads > kHeadsMax) return bad("attention.head_count", heads, cat("1 to ", kHeadsMax));
  const auto kv_heads = config["num_key_value_heads"].as_int(heads), head_dim = config["head_dim"].as_int(1);
  if (kv_heads < 1 || heads % kv_heads != 0)
    return bad("attention.head_count_kv", kv_heads, cat("a divisor of the ", heads, " heads"));
  if (head_dim < 1 || head_dim > kHeadDimMax) return bad("attention.key_length", head_dim, cat("1 to ", kHeadDimMax));
  if (layout.expert_count.empty()) return {};
  const auto experts = config[layout.expert_count].as_int();
  if (experts < 1) return bad("expert_count", experts, "above 0");
  for (auto layer = config["first_k_dense_replace"].as_int(0); layer < layers; ++layer) {
    const auto* all = weights.find(cat("blk.", layer, ".ffn_down_exps.weight"));
    const auto last = cat("blk.", layer, ".ffn_down.", experts - 1, ".weight");
    if (all && (all->shape.size() != 3 || all->shape[0] != experts))
      return Status(Code::bad_input, cat(all->name, " holds ", all->shape.empty() ? 0 : all->shape[0], " experts, ",
                                         keys.name("expert_count"), " says ", experts));
    if (!all && (!weights.find(last) || experts > tensors))
      return Status(Code::bad_input, cat("the GGUF file has neither ", "blk.", layer, ".ffn_down_exps.weight nor ",
                                         last, ", for ", experts, " experts"));
  }
  return {};
}

/// Latent attention's widths. Files of 2025 say the widths that the cache has, and those of the heads beside them
/// (key_length_mla); older ones those of the heads alone.
Status set_latent(const Keys& keys, Json& out) {
  const auto rope = TRY(keys.required("rope.dimension_count")).as_int();
  const bool has_both = keys.json("attention.key_length_mla").is_number();
  const auto key = TRY(keys.required(has_both ? "attention.key_length_mla" : "attention.key_length")).as_int();
  const auto value = TRY(keys.required(has_both ? "attention.value_length_mla" : "attention.value_length")).as_int();
  constexpr int64_t kWidthMax = 1 << 16;
  if (rope < 2 || rope >= key || key > kWidthMax || value < 1 || value > kWidthMax)
    return {Code::bad_input, cat("the heads of ", keys.name("attention"), " are ", key, " wide for keys, ", rope,
                                 " of it for positions, and ", value, " for values")};
  out.set("qk_rope_head_dim", rope);
  out.set("qk_nope_head_dim", key - rope);
  out.set("v_head_dim", value);
  out.set("head_dim", rope);  // what transformers asks positions by
  out.set("num_key_value_heads", out["num_attention_heads"]);
  const std::pair<const char*, Json> kAbsent[] = {{"q_lora_rank", {}},
                                                  {"first_k_dense_replace", 0},
                                                  {"norm_topk_prob", false},
                                                  {"routed_scaling_factor", 1.0},
                                                  {"num_nextn_predict_layers", 0},
                                                  {"n_group", 1},
                                                  {"topk_group", 1}};
  for (const auto& [name, value_of] : kAbsent) out.set(name, value_of);
  const bool has_groups = keys.json("expert_group_count").as_int() > 1;
  if (out["model_type"].as_string() == "deepseek_v2")
    out.set("topk_method", has_groups ? "group_limited_greedy" : "greedy");
  return {};
}

Status set_rope(const Weights& weights, const Keys& keys, Json& out) {
  const auto heads = out["num_attention_heads"].as_int();
  const auto width = heads > 0 ? out["hidden_size"].as_int() / heads : 0;
  const auto head_dim = out["head_dim"].as_int(width);
  auto rope = TRY(rope_parameters(weights, keys, head_dim));
  // No key says it: Gemma 2 and 3 divide by the root of a head's size, their largest models by that of a head's share;
  // Gemma 3's layers with a window have positions of their own.
  const bool is_gemma3 = out["model_type"].as_string() == "gemma3_text";
  const int64_t layers_of_27b = is_gemma3 ? 62 : 46;
  if (is_gemma3 || out["model_type"].as_string() == "gemma2")
    out.set("query_pre_attn_scalar", out["num_hidden_layers"].as_int() == layers_of_27b ? width : head_dim);
  if (is_gemma3)
    rope = Json::Object{{"full_attention", std::move(rope)},
                        {"sliding_attention", Json::Object{{"rope_type", "default"}, {"rope_theta", 10000.0}}}};
  out.set("rope_parameters", std::move(rope));
  return {};
}

}  // namespace

Result<Json> gguf_config(const Weights& weights) {
  const auto& file = weights.front();
  const auto* named = file.find_metadata("general.architecture");
  if (!named || !named->is_string())
    return Status(Code::bad_input, "the GGUF file has no general.architecture, so its family is not known");
  const auto architecture = named->string();
  const Keys keys(file, architecture);
  const auto* embedding = weights.find("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2)
    return Status(Code::bad_input, "the GGUF file has no matrix token_embd.weight");

  Json out(Json::Object{{"model_type", TRY(model_type_of(weights, architecture, keys))}});
  out.set("vocab_size", embedding->shape[0]);
  out.set("hidden_size", TRY(keys.required("embedding_length")));
  out.set("intermediate_size", TRY(keys.required("feed_forward_length")));
  out.set("num_hidden_layers", TRY(keys.required("block_count")));
  out.set("num_attention_heads", TRY(keys.required("attention.head_count")));
  for (const auto& [theirs, ours] : kNumbers)
    if (auto value = keys.json(theirs); value.is_number() && !(architecture == "falcon" && ours == "head_dim"))
      out.set(ours, std::move(value));
  TRY(set_biases(weights, out));
  set_what_is_taken_for_granted(weights, architecture, keys, out);
  if (architecture == "deepseek2") TRY(set_latent(keys, out));
  const auto* layout = gguf_layout(out);
  VERIFY(layout, "a family with an architecture of GGUF has a layout");
  for (const auto& [theirs, ours] : layout->numbers)
    if (auto value = keys.json(theirs); !value.is_null() && !(ours == "sliding_window" && value.as_int() == 0))
      out.set(ours, std::move(value));
  TRY(check_sizes(weights, keys, *layout, out));
  out.set("tie_word_embeddings", weights.find("output.weight") == nullptr);
  if (architecture != "t5") TRY(set_rope(weights, keys, out));
  Json::Array eos;
  for (const auto key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"})
    if (const auto* id = file.find_metadata(key); id && id->integer()) eos.emplace_back(*id->integer());
  out.set("eos_token_id", std::move(eos));
  // Absent ones are none, not the class's defaults.
  for (const auto& [theirs, ours] : {GgufPair{"bos", "bos_token_id"}, GgufPair{"padding", "pad_token_id"}}) {
    const auto* id = file.find_metadata(cat("tokenizer.ggml.", theirs, "_token_id"));
    out.set(ours, id && id->integer() ? Json(*id->integer()) : Json());
  }
  return out;
}

}  // namespace hearth
