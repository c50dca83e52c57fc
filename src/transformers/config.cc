#include "transformers/config.h"

#include <algorithm>
#include <limits>

#include "base/files.h"
#include "base/text.h"

namespace hearth {
namespace {

constexpr int64_t kSizeMax = int64_t{1} << 31;  // of any one size: products of two stay far inside int64

/// Reads keys of one JSON object and remembers the first that is wrong.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  int64_t size(std::string_view key, int64_t otherwise) {
    const auto& value = json_[key];
    if (value.is_null()) {
      if (otherwise <= 0) fail(cat("config.json has no ", key));
      return otherwise;
    }
    if (!value.is_int() || value.as_int() <= 0 || value.as_int() > kSizeMax)
      fail(cat("config.json: ", key, " is ", value.dump(), ", not a positive integer below 2^31"));
    return value.as_int();
  }
  double number(std::string_view key, double otherwise) {
    const auto& value = json_[key];
    if (value.is_null()) return otherwise;
    if (!value.is_number()) fail(cat("config.json: ", key, " is ", value.dump(), ", not a number"));
    return value.as_double(static_cast<double>(value.as_int()));
  }
  bool flag(std::string_view key, bool otherwise) {
    const auto& value = json_[key];
    if (!value.is_null() && !value.is_bool()) fail(cat("config.json: ", key, " is ", value.dump(), ", not a boolean"));
    return value.as_bool(otherwise);
  }
  std::vector<double> numbers(std::string_view key) {
    std::vector<double> out;
    for (const auto& value : json_[key].array()) {
      if (!value.is_number()) fail(cat("config.json: ", key, " holds ", value.dump(), ", not a number"));
      out.push_back(value.as_double(static_cast<double>(value.as_int())));
    }
    return out;
  }
  void fail(std::string message) {
    if (status_.ok()) status_ = Status(Code::bad_input, std::move(message));
  }
  Status take() { return std::move(status_); }

 private:
  const Json& json_;
  Status status_;
};

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

Result<RopeParameters> read_rope(const Json& json) {
  const Json object = rope_object(json);
  Reader read(object);
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
  auto status = read.take();
  if (!status.ok()) return status;
  return out;
}

}  // namespace

Result<Activation> activation_by_name(std::string_view name) {
  if (name == "silu" || name == "swish") return Activation::silu;
  if (name == "gelu") return Activation::gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh" || name == "gelu_accurate" || name == "gelu_fast")
    return Activation::gelu_tanh;
  if (name == "quick_gelu") return Activation::quick_gelu;
  if (name == "relu") return Activation::relu;
  return Status(Code::unsupported, cat("config.json: hidden_act '", name,
                                       "' is not known (silu, gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, relu)"));
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
  Reader read(json);
  Config out;
  out.raw = json;
  out.model_type = json["model_type"].as_string();
  for (const auto& name : json["architectures"].array()) out.architectures.emplace_back(name.as_string());
  out.vocab_size = read.size("vocab_size", 0);
  out.hidden_size = read.size("hidden_size", 0);
  out.intermediate_size = read.size("intermediate_size", 0);
  out.num_hidden_layers = read.size("num_hidden_layers", 0);
  out.num_attention_heads = read.size("num_attention_heads", 0);
  out.num_key_value_heads = read.size("num_key_value_heads", std::max<int64_t>(out.num_attention_heads, 1));
  out.head_dim = read.size(
      "head_dim", out.num_attention_heads > 0 ? std::max<int64_t>(out.hidden_size / out.num_attention_heads, 1) : 1);
  out.max_position_embeddings = read.size("max_position_embeddings", 2048);
  if (json["hidden_act"].is_string()) out.hidden_act = json["hidden_act"].as_string();
  out.rms_norm_eps = read.number("rms_norm_eps", 1e-6);
  out.attention_bias = read.flag("attention_bias", false);
  out.mlp_bias = read.flag("mlp_bias", false);
  out.tie_word_embeddings = read.flag("tie_word_embeddings", false);
  out.eos_token_id = token_ids(json["eos_token_id"]);
  constexpr int64_t kLayersMax = 10'000;
  if (out.num_hidden_layers > kLayersMax) read.fail(cat("config.json: ", out.num_hidden_layers, " layers"));
  auto status = read.take();
  if (!status.ok()) return status;
  if (out.num_attention_heads % out.num_key_value_heads != 0)
    return Status(Code::bad_input, cat("config.json: num_attention_heads ", out.num_attention_heads,
                                       " is not a multiple of num_key_value_heads ", out.num_key_value_heads));
  if (out.head_dim % 2 != 0) return Status(Code::bad_input, cat("config.json: head_dim ", out.head_dim, " is odd"));
  TRY(activation_by_name(out.hidden_act));
  out.rope_parameters = TRY(read_rope(json));
  return out;
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
