#include "transformers/config.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "base/files.h"
#include "base/text.h"
#include "transformers/text_model.h"

namespace hearth {
namespace {

constexpr int64_t kSizeMax = int64_t{1} << 31;  // of any one size: products of two stay far inside int64

}  // namespace

int64_t ConfigReader::size(std::string_view key, int64_t otherwise) {
  const auto& value = json_[key];
  if (value.is_null()) {
    if (otherwise <= 0) fail(cat("config.json has no ", key));
    return otherwise;
  }
  if (!value.is_int() || value.as_int() <= 0 || value.as_int() > kSizeMax)
    fail(cat("config.json: ", key, " is ", value.dump(), ", not a positive integer below 2^31"));
  return value.as_int();
}

int64_t ConfigReader::integer(std::string_view key, int64_t otherwise) {
  const auto& value = json_[key];
  if (value.is_null()) return otherwise;
  if (!value.is_int() || std::abs(value.as_int()) > kSizeMax)
    fail(cat("config.json: ", key, " is ", value.dump(), ", not an integer below 2^31"));
  return value.as_int();
}

double ConfigReader::number(std::string_view key, double otherwise) {
  const auto& value = json_[key];
  if (value.is_null()) return otherwise;
  if (!value.is_number()) fail(cat("config.json: ", key, " is ", value.dump(), ", not a number"));
  return value.as_double(static_cast<double>(value.as_int()));
}

bool ConfigReader::flag(std::string_view key, bool otherwise) {
  const auto& value = json_[key];
  if (!value.is_null() && !value.is_bool()) fail(cat("config.json: ", key, " is ", value.dump(), ", not a boolean"));
  return value.as_bool(otherwise);
}

std::string ConfigReader::text(std::string_view key, std::string_view otherwise) {
  const auto& value = json_[key];
  if (value.is_null()) return std::string(otherwise);
  if (!value.is_string()) fail(cat("config.json: ", key, " is ", value.dump(), ", not a string"));
  return std::string(value.as_string());
}

std::vector<double> ConfigReader::numbers(std::string_view key) {
  std::vector<double> out;
  for (const auto& value : json_[key].array()) {
    if (!value.is_number()) fail(cat("config.json: ", key, " holds ", value.dump(), ", not a number"));
    out.push_back(value.as_double(static_cast<double>(value.as_int())));
  }
  return out;
}

std::vector<int64_t> ConfigReader::integers(std::string_view key) {
  std::vector<int64_t> out;
  for (const auto& value : json_[key].array()) {
    if (!value.is_int()) fail(cat("config.json: ", key, " holds ", value.dump(), ", not an integer"));
    out.push_back(value.as_int());
  }
  return out;
}

std::vector<std::string> ConfigReader::texts(std::string_view key) {
  std::vector<std::string> out;
  for (const auto& value : json_[key].array()) {
    if (!value.is_string()) fail(cat("config.json: ", key, " holds ", value.dump(), ", not a string"));
    out.emplace_back(value.as_string());
  }
  return out;
}

void ConfigReader::fail(std::string message) {
  if (status_.ok()) status_ = Status(Code::bad_input, std::move(message));
}

namespace {

/// rope_parameters as transformers 5 writes it, or the keys of older files laid together.
Json rope_object(const Json& json) {
  Json out = json["rope_parameters"].is_object() ? json["rope_parameters"] : Json(Json::Object{});
  for (const auto& [key, value] : json["rope_scaling"].object())
    if (!out.find(key)) out.set(key, value);
  if (!out.find("rope_type") && out.find("type")) out.set("rope_type", out["type"]);
  for (const auto key : {"rope_theta", "partial_rotary_factor"})
    if (!out.find(key) && json.find(key)) out.set(key, json[key]);
  // A top-level value wins over the nested one (Phi-3).
  if (json["original_max_position_embeddings"].is_int())
    out.set("original_max_position_embeddings", json["original_max_position_embeddings"]);
  return out;
}

Result<RopeParameters> read_rope(const Json& object) {
  ConfigReader read(object);
  RopeParameters out;
  if (object["rope_type"].is_string()) out.rope_type = object["rope_type"].as_string();
  static constexpr std::string_view kKnown[] = {"default", "linear", "dynamic", "llama3", "yarn", "longrope"};
  if (out.rope_type == "su") out.rope_type = "longrope";  // Phi-3's first files
  if (std::find(std::begin(kKnown), std::end(kKnown), out.rope_type) == std::end(kKnown))
    read.fail(cat("config.json: rope_parameters.rope_type '", out.rope_type,
                  "' is not known (default, linear, dynamic, llama3, yarn, longrope)"));
  out.rope_theta = read.number("rope_theta", 10000);
  out.partial_rotary_factor = read.number("partial_rotary_factor", 1);
  out.has_factor = object["factor"].is_number();
  out.factor = read.number("factor", 1);
  out.original_max_position_embeddings = object["original_max_position_embeddings"].as_int(0);
  out.attention_factor = read.number("attention_factor", 0);
  out.low_freq_factor = read.number("low_freq_factor", 1);
  out.high_freq_factor = read.number("high_freq_factor", 4);
  out.beta_fast = read.number("beta_fast", 32);
  out.beta_slow = read.number("beta_slow", 1);
  out.mscale = read.number("mscale", 0);
  out.mscale_all_dim = read.number("mscale_all_dim", 0);
  out.truncate = read.flag("truncate", true);
  out.short_factor = read.numbers("short_factor");
  out.long_factor = read.numbers("long_factor");
  if (!(out.rope_theta > 0)) read.fail("config.json: rope_theta is not above 0");
  if (!(out.factor > 0)) read.fail("config.json: the rope factor is not above 0");
  if (!(out.partial_rotary_factor > 0 && out.partial_rotary_factor <= 1))
    read.fail("config.json: partial_rotary_factor is not in (0, 1]");
  TRY(read.take());
  return out;
}

/// `rope_parameters` of each layer type, where it is so nested.
Result<std::vector<std::pair<std::string, RopeParameters>>> read_rope_by_layer_type(const Json& json) {
  std::vector<std::pair<std::string, RopeParameters>> out;
  for (const auto& [layer_type, parameters] : json["rope_parameters"].object())
    if (parameters.is_object()) out.emplace_back(layer_type, TRY(read_rope(parameters)));
  return out;
}

/// The file's keys under the names that every family shares, above the defaults of the configuration's class.
Result<Json> unified(const Json& json, const Family& family) {
  Json out = TRY(Json::parse(family.defaults));
  for (const auto& [key, value] : json.object()) out.set(key, value);
  for (const auto& [ours, theirs] : family.attribute_map)
    if (const auto* value = json.find(theirs); value && !json.find(ours)) out.set(ours, *value);
  return out;
}

int64_t count_labels(const Json& json) {
  if (json["id2label"].is_object()) return static_cast<int64_t>(json["id2label"].size());
  return json["num_labels"].as_int(2);
}

}  // namespace

Result<Activation> activation_by_name(std::string_view name) {
  if (name == "silu" || name == "swish") return Activation::silu;
  if (name == "gelu") return Activation::gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_accurate" || name == "gelu_fast")
    return Activation::gelu_tanh;
  if (name == "quick_gelu") return Activation::quick_gelu;
  if (name == "relu") return Activation::relu;
  if (name == "relu2") return Activation::relu2;
  if (name == "tanh") return Activation::tanh;
  if (name == "sigmoid") return Activation::sigmoid;
  if (name == "mish") return Activation::mish;
  return Status(Code::unsupported, cat("config.json: hidden_act '", name,
                                       "' is not known (silu, gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, relu, "
                                       "relu2, tanh, sigmoid, mish)"));
}

std::vector<int32_t> token_ids(const Json& value) {
  std::vector<int32_t> out;
  const auto take = [&out](const Json& id) {
    if (id.is_int() && id.as_int() >= 0 && id.as_int() <= std::numeric_limits<int32_t>::max())
      out.push_back(static_cast<int32_t>(id.as_int()));
  };
  if (value.is_array()) {
    for (const auto& id : value.array()) take(id);
  } else {
    take(value);
  }
  return out;
}

Result<Config> Config::from_json(const Json& json) {
  if (!json.is_object()) return Status(Code::bad_input, "config.json is not a JSON object");
  if (!json["auto_map"].is_null() && !json["model_type"].is_string())
    return Status(Code::unsupported, "config.json asks for code of its own (auto_map), which is never run");
  if (!json["model_type"].is_string())
    return Status(Code::bad_input, "config.json has no model_type, so its family is not known");
  Config out;
  out.model_type = json["model_type"].as_string();
  out.raw = TRY(unified(json, *TRY(family_of(out.model_type))));
  ConfigReader read(out.raw);
  out.architectures = read.texts("architectures");
  out.vocab_size = read.size("vocab_size");
  out.hidden_size = read.size("hidden_size");
  out.intermediate_size = read.size("intermediate_size", std::max<int64_t>(4 * out.hidden_size, 1));
  out.num_hidden_layers = read.size("num_hidden_layers");
  out.num_attention_heads = read.size("num_attention_heads");
  out.num_key_value_heads = read.size("num_key_value_heads", std::max<int64_t>(out.num_attention_heads, 1));
  out.head_dim = read.size(
      "head_dim", out.num_attention_heads > 0 ? std::max<int64_t>(out.hidden_size / out.num_attention_heads, 1) : 1);
  out.max_position_embeddings = read.size("max_position_embeddings", 2048);
  out.hidden_act = read.text("hidden_act", "silu");
  out.rms_norm_eps = read.number("rms_norm_eps", 1e-6);
  out.layer_norm_eps = read.number("layer_norm_eps", 1e-5);
  out.attention_bias = read.flag("attention_bias", false);
  out.mlp_bias = read.flag("mlp_bias", false);
  out.tie_word_embeddings = read.flag("tie_word_embeddings", false);
  out.is_decoder = read.flag("is_decoder", false);
  out.sliding_window = read.size("sliding_window", std::numeric_limits<int32_t>::max());
  if (out.sliding_window == std::numeric_limits<int32_t>::max()) out.sliding_window = 0;
  out.layer_types = read.texts("layer_types");
  out.num_labels = count_labels(out.raw);
  out.eos_token_id = token_ids(out.raw["eos_token_id"]);
  if (const auto pad = token_ids(out.raw["pad_token_id"]); !pad.empty()) out.pad_token_id = pad.front();
  constexpr int64_t kLayersMax = 10'000, kLabelsMax = 1'000'000;
  if (out.num_hidden_layers > kLayersMax) read.fail(cat("config.json: ", out.num_hidden_layers, " layers"));
  if (out.num_labels < 1 || out.num_labels > kLabelsMax) read.fail(cat("config.json: ", out.num_labels, " labels"));
  if (!out.layer_types.empty() && static_cast<int64_t>(out.layer_types.size()) < out.num_hidden_layers)
    read.fail(cat("config.json: layer_types has ", out.layer_types.size(), " entries for ", out.num_hidden_layers,
                  " layers"));
  TRY(read.take());
  if (out.num_attention_heads % out.num_key_value_heads != 0)
    return Status(Code::bad_input, cat("config.json: num_attention_heads ", out.num_attention_heads,
                                       " is not a multiple of num_key_value_heads ", out.num_key_value_heads));
  TRY(activation_by_name(out.hidden_act));
  out.rope_by_layer_type = TRY(read_rope_by_layer_type(out.raw));
  out.rope_parameters =
      out.rope_by_layer_type.empty() ? TRY(read_rope(rope_object(out.raw))) : out.rope_by_layer_type.front().second;
  return out;
}

const RopeParameters& Config::rope(std::string_view layer_type) const {
  for (const auto& [name, parameters] : rope_by_layer_type)
    if (name == layer_type) return parameters;
  return rope_parameters;
}

Result<Config> Config::from_pretrained(const std::string& folder) {
  const auto path = path_join(folder, "config.json");
  auto text = read_file(path, /*max_bytes=*/16 << 20);
  if (!text.ok()) return std::move(text).status();
  auto json = Json::parse(*text);
  if (!json.ok()) return std::move(json).status().with(path);
  auto config = from_json(*json);
  if (!config.ok()) return std::move(config).status().with(folder);
  return config;
}

}  // namespace hearth
