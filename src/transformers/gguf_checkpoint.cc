#include "transformers/gguf_checkpoint.h"

#include <algorithm>
#include <cstring>
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
    if (const auto integer = value->integer(); integer && value->type() != ValueType::f32) return *integer;
    if (const auto number = value->number()) return *number;
    return value->is_string() ? value->json() : Json();
  }
  Result<Json> required(std::string_view key) const {
    auto out = json(key);
    if (out.is_null()) return Status(Code::bad_input, cat("the GGUF file has no number ", architecture_, ".", key));
    return out;
  }

 private:
  const MetadataValueView* find(std::string_view key) const {
    return file_.find_metadata(cat(architecture_, ".", key));
  }
  const WeightFile& file_;
  std::string_view architecture_;
};

/// The scaling of positions, if the file names one. Llama 3.1's is a tensor of divisors, one a pair of dimensions,
/// which is what longrope's factors are.
Result<Json> rope_parameters(const Weights& weights, const Keys& keys) {
  Json out(Json::Object{{"rope_type", "default"}});
  if (const auto base = keys.json("rope.freq_base"); base.is_number()) out.set("rope_theta", base);
  const auto type = keys.json("rope.scaling.type");
  if (type.is_string() && type.as_string() != "none") {
    out.set("rope_type", type);
    if (const auto factor = keys.json("rope.scaling.factor"); factor.is_number()) out.set("factor", factor);
    if (const auto original = keys.json("rope.scaling.original_context_length"); original.is_int())
      out.set("original_max_position_embeddings", original);
  }
  const auto* divisors = weights.find("rope_freqs.weight");
  if (!divisors) return out;
  if (divisors->dtype != DType::f32)
    return Status(Code::unsupported, cat("rope_freqs.weight is ", name(divisors->dtype), ", not F32"));
  Json::Array numbers;
  for (int64_t i = 0; i < divisors->elements(); ++i) {
    float number;
    std::memcpy(&number, divisors->data.data() + static_cast<size_t>(i) * sizeof number, sizeof number);
    numbers.emplace_back(static_cast<double>(number));
  }
  out.set("rope_type", "longrope");
  out.set("short_factor", numbers);
  out.set("long_factor", std::move(numbers));
  out.set("attention_factor", 1.0);
  return out;
}

/// "blk.3.attn_q.weight" as {"3", "attn_q", "weight"}; the layer is empty for tensors outside of them.
struct GgufName {
  std::string_view layer, part, leaf;
};
GgufName parse_name(std::string_view name) {
  GgufName out;
  if (name.starts_with("blk.")) {
    name.remove_prefix(4);
    const auto dot = name.find('.');
    if (dot == std::string_view::npos) return {};
    out.layer = name.substr(0, dot);
    name.remove_prefix(dot + 1);
  }
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  out.part = name.substr(0, dot);
  out.leaf = name.substr(dot + 1);
  return out;
}

std::string checkpoint_name(std::string_view name) {
  const auto parsed = parse_name(name);
  for (const auto& [theirs, ours] : kGgufTop)
    if (parsed.layer.empty() && parsed.part == theirs) return cat(ours, ".", parsed.leaf);
  for (const auto& [theirs, ours] : kGgufLayer)
    if (!parsed.layer.empty() && parsed.part == theirs)
      return cat("model.layers.", parsed.layer, ".", ours, ".", parsed.leaf);
  return std::string(name);
}

/// Rows of each head from pairs back to halves. Rows are whole blocks of any type.
Result<WeightSource> unpermuted(const WeightSource& source, int64_t heads) {
  const auto rows = source.shape.size() > 0 ? source.shape[0] : 0;
  if (rows == 0 || heads <= 0 || rows % (2 * heads) != 0)
    return Status(Code::bad_input, cat(source.name, " has ", rows, " rows, which ", heads, " heads cannot share"));
  return rows_of(source, halves_of_pairs(0, heads, rows / heads, rows / heads));
}

}  // namespace

Result<Json> gguf_config(const Weights& weights) {
  const auto& file = weights.front();
  const auto* architecture = file.find_metadata("general.architecture");
  if (!architecture || !architecture->is_string())
    return Status(Code::bad_input, "the GGUF file has no general.architecture, so its family is not known");
  const auto* family = TRY(family_of_architecture(architecture->string()));
  const Keys keys(file, architecture->string());
  const auto* embedding = weights.find("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2)
    return Status(Code::bad_input, "the GGUF file has no matrix token_embd.weight");

  Json out(Json::Object{{"model_type", *family->model_types.begin()}});
  out.set("vocab_size", embedding->shape[0]);
  out.set("hidden_size", TRY(keys.required("embedding_length")));
  out.set("intermediate_size", TRY(keys.required("feed_forward_length")));
  out.set("num_hidden_layers", TRY(keys.required("block_count")));
  out.set("num_attention_heads", TRY(keys.required("attention.head_count")));
  const std::pair<std::string_view, std::string_view> optional_keys[] = {
      {"num_key_value_heads", "attention.head_count_kv"},
      {"head_dim", "attention.key_length"},
      {"max_position_embeddings", "context_length"},
      {"rms_norm_eps", "attention.layer_norm_rms_epsilon"}};
  for (const auto& [ours, theirs] : optional_keys)
    if (auto value = keys.json(theirs); value.is_number()) out.set(ours, std::move(value));
  // Qwen2 has biases of Q, K and V always, and no key for them.
  out.set("attention_bias", weights.find("blk.0.attn_q.bias") != nullptr);
  out.set("mlp_bias", weights.find("blk.0.ffn_gate.bias") != nullptr);
  out.set("tie_word_embeddings", weights.find("output.weight") == nullptr);
  out.set("rope_parameters", TRY(rope_parameters(weights, keys)));
  Json::Array eos;
  for (const auto key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"})
    if (const auto* id = file.find_metadata(key); id && id->integer()) eos.emplace_back(*id->integer());
  out.set("eos_token_id", std::move(eos));
  return out;
}

Result<std::vector<WeightSource>> gguf_sources(const std::shared_ptr<const Weights>& weights, const Json& config) {
  const bool is_permuted = weights->front().find_metadata("general.architecture")->string() == "llama";
  std::vector<WeightSource> out;
  for (const auto* tensor : weights->tensors()) {
    if (tensor->name == "rope_freqs.weight") continue;  // part of the configuration
    if (tensor->shape.size() > Shape::kDimensionsMax)
      return Status(Code::bad_input, cat(tensor->name, " has ", tensor->shape.size(), " dimensions"));
    WeightSource source{.name = checkpoint_name(tensor->name),
                        .dtype = tensor->dtype,
                        .shape = Shape(tensor->shape),
                        .data = tensor->data,
                        .owner = weights};
    const auto part = parse_name(tensor->name).part;
    if (is_permuted && (part == "attn_q" || part == "attn_k")) {
      const auto heads = config["num_attention_heads"].as_int();
      source = TRY(unpermuted(source, part == "attn_q" ? heads : config["num_key_value_heads"].as_int(heads)));
    }
    out.push_back(std::move(source));
  }
  return out;
}

}  // namespace hearth
