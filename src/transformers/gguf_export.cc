#include "transformers/gguf_export.h"

#include <algorithm>
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

/// llama.cpp's architecture that computes what the model does.
Result<std::string> architecture_of(const Config& c) {
  const bool is_qwen = c.model_type == "qwen2" || c.model_type == "qwen3";
  const bool slides = is_qwen ? c.raw["use_sliding_window"].as_bool(false) : c.sliding_window > 0;
  if ((c.model_type != "llama" && c.model_type != "mistral" && !is_qwen) || (slides && c.model_type != "llama"))
    return Status(Code::unsupported,
                  cat("a model of type ", c.model_type, slides ? " with a sliding window" : "",
                      " is not written to GGUF (llama, and mistral, qwen2 and qwen3 without a window, are)"));
  if (c.hidden_act != "silu")
    return Status(Code::unsupported, cat("GGUF's ", c.model_type, " has no hidden_act ", c.hidden_act, ", only silu"));
  if (c.model_type == "qwen3" && c.attention_bias)
    return Status(Code::unsupported, "GGUF's qwen3 has no attention_bias");
  return is_qwen ? c.model_type : std::string("llama");
}

Status add_rope(const Config& c, const std::string& architecture, std::vector<GgufEntry>& out) {
  const auto& rope = c.rope_parameters;
  const auto key = [&](std::string_view leaf) { return cat(architecture, ".rope.", leaf); };
  out.push_back({key("freq_base"), static_cast<float>(rope.rope_theta)});
  out.push_back({key("dimension_count"), static_cast<uint32_t>(c.head_dim)});
  if (rope.rope_type == "default" || (rope.rope_type == "llama3" && architecture == "llama")) return {};
  const bool is_plain_yarn = rope.rope_type == "yarn" && rope.attention_factor == 0 && rope.mscale == 0 &&
                             rope.beta_fast == 32 && rope.beta_slow == 1 && rope.has_factor;
  if (rope.rope_type != "linear" && !is_plain_yarn)
    return {Code::unsupported,
            cat("GGUF's ", architecture, " has no rope_type ", rope.rope_type, " with these parameters")};
  out.push_back({key("scaling.type"), rope.rope_type});
  out.push_back({key("scaling.factor"), static_cast<float>(rope.factor)});
  if (rope.original_max_position_embeddings > 0)
    out.push_back(
        {key("scaling.original_context_length"), static_cast<uint32_t>(rope.original_max_position_embeddings)});
  return {};
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
  const auto architecture = TRY(architecture_of(c));
  const auto key = [&](std::string_view leaf) { return cat(architecture, ".", leaf); };
  std::vector<GgufEntry> out = {{"general.architecture", architecture},
                                {"general.name", std::string(path_name(folder))},
                                {key("vocab_size"), static_cast<uint32_t>(c.vocab_size)},
                                {key("context_length"), static_cast<uint32_t>(c.max_position_embeddings)},
                                {key("embedding_length"), static_cast<uint32_t>(c.hidden_size)},
                                {key("block_count"), static_cast<uint32_t>(c.num_hidden_layers)},
                                {key("feed_forward_length"), static_cast<uint32_t>(c.intermediate_size)},
                                {key("attention.head_count"), static_cast<uint32_t>(c.num_attention_heads)},
                                {key("attention.head_count_kv"), static_cast<uint32_t>(c.num_key_value_heads)},
                                {key("attention.key_length"), static_cast<uint32_t>(c.head_dim)},
                                {key("attention.value_length"), static_cast<uint32_t>(c.head_dim)},
                                {key("attention.layer_norm_rms_epsilon"), static_cast<float>(c.rms_norm_eps)}};
  TRY(add_rope(c, architecture, out));
  TRY(add_tokenizer(c, folder, out));
  return out;
}

bool gguf_is_permuted(const Config& c) {
  return c.model_type == "llama" || c.model_type == "mistral";
}

Result<std::string> gguf_name(std::string_view name) {
  const auto dot = name.rfind('.');
  const auto leaf = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
  auto part = name.substr(0, std::min(dot, name.size()));
  for (const auto& [theirs, ours] : kGgufTop)
    if (part == ours) return cat(theirs, ".", leaf);
  constexpr std::string_view kLayers = "model.layers.";
  if (part.starts_with(kLayers)) {
    part.remove_prefix(kLayers.size());
    const auto end = part.find('.');
    for (const auto& [theirs, ours] : kGgufLayer)
      if (end != std::string_view::npos && part.substr(end + 1) == ours)
        return cat("blk.", part.substr(0, end), ".", theirs, ".", leaf);
  }
  return Status(Code::unsupported, cat("tensor '", printable(name), "' has no name in GGUF"));
}

Result<std::vector<float>> gguf_rope_freqs(const Config& c) {
  std::vector<float> out;
  if (c.rope_parameters.rope_type != "llama3") return out;
  auto plain = c.rope_parameters;
  plain.rope_type = "default";
  const auto scaled = TRY(RopeFrequencies::from(c)).inv_freq(1);
  const auto base = TRY(RopeFrequencies::from(c, plain)).inv_freq(1);
  for (size_t i = 0; i < base.size(); ++i) out.push_back(base[i] / scaled[i]);
  return out;
}

}  // namespace hearth
