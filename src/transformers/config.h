// Config: what config.json says about a model, under Python's names. Every family reads from one Config; keys that only
// one family knows are read from `raw`.
// Source: transformers 5.23.0 configuration_utils.py, modeling_rope_utils.py (rope_parameters and its older spellings).
#pragma once

#include <cstdint>
#include <string>
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

struct Config {
  std::string model_type;
  std::vector<std::string> architectures;
  int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0, num_hidden_layers = 0;
  int64_t num_attention_heads = 0, num_key_value_heads = 0, head_dim = 0, max_position_embeddings = 0;
  std::string hidden_act = "silu";
  double rms_norm_eps = 1e-6;
  bool attention_bias = false, mlp_bias = false, tie_word_embeddings = false;
  RopeParameters rope_parameters;
  std::vector<int32_t> eos_token_id;  ///< one or several; empty: none
  Json raw;

  /// bad_input names the key, what it holds and what it may hold. All sizes are checked to be positive and to fit
  /// together, so that no model file need do it.
  static Result<Config> from_json(const Json& json);
  /// `folder`/config.json.
  static Result<Config> from_pretrained(const std::string& folder);
};

/// `hidden_act` as the op table knows it; bad_input lists the known names.
Result<Activation> activation_by_name(std::string_view name);
/// A key that holds a token id or a list of them: `eos_token_id`.
std::vector<int32_t> token_ids(const Json& value);

}  // namespace hearth
