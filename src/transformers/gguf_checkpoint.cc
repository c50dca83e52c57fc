#include "transformers/gguf_checkpoint.h"

#include <algorithm>
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
  if (rotated > 0 && rotated < head_dim)
    out.set("partial_rotary_factor", static_cast<double>(rotated) / static_cast<double>(head_dim));
  const auto original = keys.json("rope.scaling.original_context_length");
  const auto type = keys.json("rope.scaling.type");
  if (type.is_string() && type.as_string() != "none") {
    out.set("rope_type", type);
    if (const auto factor = keys.json("rope.scaling.factor"); factor.is_number()) out.set("factor", factor);
    if (original.is_int()) out.set("original_max_position_embeddings", original);
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

std::string checkpoint_name(const GgufLayout& layout, std::string_view name) {
  const auto parsed = parse_name(name);
  if (parsed.layer.empty()) {
    for (const auto& [theirs, ours] : kGgufTop)
      if (parsed.part == theirs) return cat(ours, ".", parsed.leaf);
    return std::string(name);
  }
  for (const auto table : {layout.layer, std::span<const GgufPair>(kGgufLayer)})
    for (const auto& [theirs, ours] : table)
      if (parsed.part == theirs) return cat("model.layers.", parsed.layer, ".", ours, ".", parsed.leaf);
  return std::string(name);
}

/// The matrix of each expert, where a tensor holds those of all.
std::vector<WeightSource> experts_of(const WeightSource& source, const GgufName& parsed) {
  std::vector<WeightSource> out;
  for (const auto& [theirs, ours] : kGgufExperts) {
    if (parsed.part != theirs || source.shape.size() != 3 || source.shape[0] <= 0) continue;
    const auto count = static_cast<size_t>(source.shape[0]), bytes = source.data.size() / count;
    for (size_t i = 0; i < count; ++i) {
      auto& one = out.emplace_back(source);
      one.name = cat("model.layers.", parsed.layer, ".mlp.experts.", i, ".", ours, ".", parsed.leaf);
      one.shape = Shape{source.shape[1], source.shape[2]};
      one.data = source.data.subspan(i * bytes, bytes);
    }
  }
  return out;
}

/// A norm's weight less one.
Result<WeightSource> less_one(const WeightSource& source) {
  if (source.dtype != DType::f32)
    return Status(Code::unsupported, cat(source.name, " is ", name(source.dtype), ", not F32"));
  auto values = std::make_shared<std::vector<float>>(source.data.size() / sizeof(float));
  std::memcpy(values->data(), source.data.data(), values->size() * sizeof(float));
  for (auto& value : *values) value -= 1;
  auto out = source;
  out.data = std::as_bytes(std::span(*values));
  out.owner = std::move(values);
  return out;
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
  const auto layout = gguf_layout(architecture->string());
  for (const auto table : {std::span<const GgufPair>(kGgufNumbers), layout.numbers})
    for (const auto& [theirs, ours] : table)
      if (auto value = keys.json(theirs); value.is_number()) out.set(ours, std::move(value));
  // Qwen2 has biases of Q, K and V always, and no key for them.
  const bool has_bias = weights.find("blk.0.attn_q.bias") != nullptr;
  out.set("attention_bias", has_bias);
  if (layout.architecture == "starcoder2") out.set("use_bias", has_bias);
  if (layout.architecture == "qwen3moe") out.set("norm_topk_prob", true);  // what llama.cpp takes for granted
  out.set("mlp_bias", weights.find("blk.0.ffn_gate.bias") != nullptr);
  out.set("tie_word_embeddings", weights.find("output.weight") == nullptr);
  const auto heads = out["num_attention_heads"].as_int();
  const auto width = heads > 0 ? out["hidden_size"].as_int() / heads : 0;
  const auto head_dim = out["head_dim"].as_int(width);
  auto rope = TRY(rope_parameters(weights, keys, head_dim));
  // No key says it: Gemma 2 and 3 divide by the root of a head's size, their largest models by that of a head's share;
  // Gemma 3's layers with a window have positions of their own.
  const bool is_gemma3 = layout.architecture == "gemma3";
  const int64_t layers_of_27b = is_gemma3 ? 62 : 46;
  if (is_gemma3 || layout.architecture == "gemma2")
    out.set("query_pre_attn_scalar", out["num_hidden_layers"].as_int() == layers_of_27b ? width : head_dim);
  if (is_gemma3)
    rope = Json::Object{{"full_attention", std::move(rope)},
                        {"sliding_attention", Json::Object{{"rope_type", "default"}, {"rope_theta", 10000.0}}}};
  out.set("rope_parameters", std::move(rope));
  Json::Array eos;
  for (const auto key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"})
    if (const auto* id = file.find_metadata(key); id && id->integer()) eos.emplace_back(*id->integer());
  out.set("eos_token_id", std::move(eos));
  return out;
}

Result<std::vector<WeightSource>> gguf_sources(const std::shared_ptr<const Weights>& weights, const Json& config) {
  const auto layout = gguf_layout(weights->front().find_metadata("general.architecture")->string());
  std::vector<WeightSource> out;
  for (const auto* tensor : weights->tensors()) {
    if (tensor->name.starts_with("rope_f")) continue;  // part of the configuration
    if (tensor->shape.size() > Shape::kDimensionsMax)
      return Status(Code::bad_input, cat(tensor->name, " has ", tensor->shape.size(), " dimensions"));
    WeightSource source{.name = checkpoint_name(layout, tensor->name),
                        .dtype = tensor->dtype,
                        .shape = Shape(tensor->shape),
                        .data = tensor->data,
                        .owner = weights,
                        .file = weights};
    const auto parsed = parse_name(tensor->name);
    const auto part = parsed.part;
    if (auto experts = experts_of(source, parsed); !experts.empty()) {
      std::ranges::move(experts, std::back_inserter(out));
      continue;
    }
    if (layout.permutes_rows && (part == "attn_q" || part == "attn_k")) {
      const auto heads = config["num_attention_heads"].as_int();
      source = TRY(unpermuted(source, part == "attn_q" ? heads : config["num_key_value_heads"].as_int(heads)));
    }
    if (layout.norms_add_one && part.ends_with("norm")) source = TRY(less_one(source));
    out.push_back(std::move(source));
  }
  return out;
}

}  // namespace hearth
