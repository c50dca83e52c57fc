// Config: what config.json says about a model, under Python's names. Every family reads from one Config; keys that only
// one family knows are read from `raw` by a ConfigReader.
// Source: transformers 5.23.0 configuration_utils.py, modeling_rope_utils.py (rope_parameters and its older spellings).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "tensor/backend.h"

namespace hearth {

/// `rope_parameters`, into which `rope_theta`, `rope_scaling` and `partial_rotary_factor` of older files are folded.
struct RopeParameters {
  std::string rope_type = "default";  ///< default, linear, dynamic, llama3, yarn, longrope
  double rope_theta = 10000;
  double partial_rotary_factor = 1;
  double factor = 1;
  bool has_factor = false;
  int64_t original_max_position_embeddings = 0;      ///< 0: not given
  double attention_factor = 0;                       ///< 0: not given
  double low_freq_factor = 1, high_freq_factor = 4;  ///< llama3
  double beta_fast = 32, beta_slow = 1;              ///< yarn
  double mscale = 0, mscale_all_dim = 0;             ///< yarn; 0: not given
  bool truncate = true;                              ///< yarn
  std::vector<double> short_factor, long_factor;     ///< longrope, one a pair of dimensions
};

/// Reads keys of one JSON object and remembers the first that is wrong.
class ConfigReader {
 public:
  explicit ConfigReader(const Json& json) : json_(json) {}

  /// A positive integer; `otherwise` when the key is absent or null, where 0 means that it must be there.
  int64_t size(std::string_view key, int64_t otherwise = 0);
  /// Any integer.
  int64_t integer(std::string_view key, int64_t otherwise);
  double number(std::string_view key, double otherwise);
  bool flag(std::string_view key, bool otherwise);
  std::string text(std::string_view key, std::string_view otherwise);
  std::vector<double> numbers(std::string_view key);
  std::vector<int64_t> integers(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  void fail(std::string message);
  /// bad_input with the first fault.
  Status take() { return std::move(status_); }

 private:
  const Json& json_;
  Status status_;
};

struct Config {
  std::string model_type;
  std::vector<std::string> architectures;
  int64_t vocab_size = 0, hidden_size = 0, num_hidden_layers = 0;
  int64_t intermediate_size = 0;  ///< 4 * hidden_size where the file has none
  int64_t num_attention_heads = 0, num_key_value_heads = 0, head_dim = 0, max_position_embeddings = 0;
  std::string hidden_act = "silu";
  double rms_norm_eps = 1e-6, layer_norm_eps = 1e-5;
  bool attention_bias = false, mlp_bias = false, tie_word_embeddings = false, is_decoder = false;
  int64_t sliding_window = 0;            ///< 0: none
  std::vector<std::string> layer_types;  ///< one a layer, or empty: "full_attention", "sliding_attention"
  RopeParameters rope_parameters;
  /// `rope_parameters` by layer type, where the file has them so; rope_parameters is then the first.
  std::vector<std::pair<std::string, RopeParameters>> rope_by_layer_type;
  int64_t num_labels = 2;
  std::vector<int32_t> eos_token_id;    ///< one or several; empty: none
  std::optional<int32_t> pad_token_id;  ///< absent where the file has none or -1
  Json raw;                             ///< the file's keys under ours, with the class's defaults

  /// bad_input names the key, what it holds and what it may hold. All sizes are checked to be positive and to fit
  /// together, so that no model file need do it.
  static Result<Config> from_json(const Json& json);
  /// `folder`/config.json.
  static Result<Config> from_pretrained(const std::string& folder);

  const RopeParameters& rope(std::string_view layer_type) const;
};

/// `hidden_act` as the op table knows it; bad_input lists the known names.
Result<Activation> activation_by_name(std::string_view name);
/// A key that holds a token id or a list of them: `eos_token_id`.
std::vector<int32_t> token_ids(const Json& value);

}  // namespace hearth
