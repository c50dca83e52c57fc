// GenerationConfig: how text is made from a model, under the names of generation_config.json.
// Source: transformers 5.23.0 generation/configuration_utils.py (names and defaults).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "transformers/config.h"
#include "transformers/quantized_cache.h"

namespace hearth {

class Constraint;

/// When a beam search ends: with as many finished texts as beams (yes); when none under way is likely to become better
/// (no); when none can (never).
enum class EarlyStopping { no, yes, never };

/// An answer's rules. Values outside their ranges are told by check(); "off" is each one's default.
struct GenerationConfig {
  // How long. max_new_tokens wins over max_length, which counts a decoder's prompt; without either, 20 new tokens.
  std::optional<int64_t> max_new_tokens = {}, max_length = {};
  int64_t min_length = 0, min_new_tokens = 0;
  std::optional<double> max_time = {};  ///< seconds

  // Which way. One beam and no do_sample: the likeliest token each time.
  bool do_sample = false;
  int64_t num_beams = 1;
  int64_t num_return_sequences = 1;
  EarlyStopping early_stopping = EarlyStopping::no;
  int64_t num_beam_groups = 1;   ///< of beams that keep apart; divides num_beams
  double diversity_penalty = 0;  ///< on a token for each earlier group's beam that took it
  double penalty_alpha = 0;      ///< [0, 1]; above 0, without beams and do_sample: contrastive search among top_k
  double length_penalty = 1;     ///< a beam's score is its log probability / length^length_penalty
  int64_t prompt_lookup_num_tokens = 0;  ///< above 0: that many tokens are guessed from the prompt and checked at once
  int64_t max_matching_ngram_size = 2;   ///< of such guesses
  int64_t num_assistant_tokens = 20;     ///< that an assistant guesses at once
  double assistant_confidence_threshold = 0.4;  ///< a guess less likely than this is the last of its round

  // What sampling keeps, in the order in which it is applied.
  double temperature = 1;     ///< 0: greedy
  double top_h = 0;           ///< (0, 1]; 0: off
  int64_t top_k = 50;         ///< 0: all
  double top_p = 1;           ///< (0, 1]
  double min_p = 0;           ///< [0, 1]
  double typical_p = 1;       ///< (0, 1]
  double epsilon_cutoff = 0;  ///< [0, 1)
  double eta_cutoff = 0;      ///< [0, 1)
  uint64_t seed = 0;          ///< of torch.manual_seed: the same seed draws the same tokens

  // What is more or less likely.
  double repetition_penalty = 1, encoder_repetition_penalty = 1;  ///< above 0
  /// Subtracted from a new token's logit for each time it was made, and once when it was: the OpenAI routes' rules.
  double frequency_penalty = 0, presence_penalty = 0;
  int64_t no_repeat_ngram_size = 0, encoder_no_repeat_ngram_size = 0;
  std::vector<std::vector<int32_t>> bad_words_ids = {};
  std::vector<std::pair<std::vector<int32_t>, float>> sequence_bias =
      {};  ///< added where the tokens would be completed
  std::optional<int32_t> forced_bos_token_id = {};
  std::vector<int32_t> forced_eos_token_id = {};
  std::optional<std::pair<int64_t, double>> exponential_decay_length_penalty = {};  ///< from which new token, factor
  std::vector<int32_t> suppress_tokens = {}, begin_suppress_tokens = {};
  bool remove_invalid_values = false, renormalize_logits = false;

  // What stands for the ends.
  std::optional<int32_t> bos_token_id = {}, pad_token_id = {}, decoder_start_token_id = {};
  std::vector<int32_t> eos_token_id = {};
  /// Texts that end the answer and are left out of it. Differs: transformers keeps them; the OpenAI routes leave them
  /// out. Looked at by text_generation.h, which knows text.
  std::vector<std::string> stop = {};
  /// Texts that end the answer, as transformers has them: the token that completes one is the last. Needs
  /// GenerateOptions::tokenizer.
  std::vector<std::string> stop_strings = {};

  // How the past is kept.
  bool use_cache = true;  ///< false: all of the text is read again for each token
  /// "dynamic" (grows by pages), "static" (has its full size from the beginning), either "offloaded" (nowhere to: the
  /// same), or "quantized" by `cache_config`.
  std::string cache_implementation = {};
  Json cache_config = {};  ///< of the quantized cache: QuantizedCacheConfig

  /// What the answer must be: a regular expression's, a JSON Schema's or a grammar's text, over the model's vocabulary
  /// (TextGenerationPipeline::constrain). Differs: transformers leaves this to others.
  std::shared_ptr<const Constraint> constraint = {};

  bool is_contrastive() const { return penalty_alpha > 0 && top_k > 1 && !do_sample && num_beams == 1; }
  bool is_static_cache() const { return cache_implementation.ends_with("static"); }
  /// How the past is quantized: nothing where it is not.
  Result<std::optional<QuantizedCacheConfig>> quantized_cache() const;

  /// bad_input when a value is outside its range.
  Status check() const;
  /// Takes what `json` (generation_config.json, or the arguments of generate()) sets; bad_input names a key of the
  /// wrong type.
  Status update(const Json& json);
  /// What update() looks at.
  static std::vector<std::string> keys();
  /// What config.json, or a GGUF file in place of it, says of generation.
  static Result<GenerationConfig> from_config(const Config& config);
  /// `folder`/generation_config.json; where there is none, what config.json says of generation.
  static Result<GenerationConfig> from_pretrained(const std::string& folder, const Config& config);

  /// All tokens that an answer to `prompt_length` ones may have, the prompt's counted.
  int64_t total_length(int64_t prompt_length, const Config& config) const;

 private:
  template <class Updater>
  void take_all(Updater& from);
};

}  // namespace hearth
