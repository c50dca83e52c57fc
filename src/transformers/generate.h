// generate(): from a prompt's token ids to new ones, greedily or by sampling.
// Source: transformers 5.23.0 generation/utils.py, logits_process.py, configuration_utils.py (order and defaults).
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "transformers/causal_lm.h"

namespace hearth {

/// generation_config.json under its own names; unset keys have transformers' defaults.
struct GenerationConfig {
  int64_t max_new_tokens = 256;
  bool do_sample = false;
  double temperature = 1;         ///< 0: greedy
  int64_t top_k = 50;             ///< 0: all
  double top_p = 1;               ///< (0, 1]
  double min_p = 0;               ///< [0, 1)
  double repetition_penalty = 1;  ///< above 0
  uint64_t seed = 0;              ///< of this call's own random numbers
  std::vector<int32_t> eos_token_id;
  /// Texts that end the answer and are left out of it. Differs: transformers keeps them; the OpenAI routes leave them
  /// out. Looked at by text_generation.h, which knows text.
  std::vector<std::string> stop;

  /// bad_input when a value is outside its range.
  Status check() const;
  /// Takes what `json` (generation_config.json) sets.
  Status update(const Json& json);
};

/// Picks the next token from logits. Keeps a random state; one a sequence.
class Sampler {
 public:
  explicit Sampler(const GenerationConfig& config);
  /// logits: [vocab_size]; seen: the prompt and all that was generated, for repetition_penalty.
  int32_t operator()(std::span<const float> logits, std::span<const int32_t> seen);

 private:
  struct Candidate {
    float score;
    int32_t id;
  };
  int32_t sample(std::span<const float> logits);

  GenerationConfig config_;
  std::mt19937_64 random_;
  std::vector<float> scores_;
  std::vector<Candidate> candidates_;
};

/// A conversation's tokens and their cache: the next prompt computes only what follows the common beginning.
struct Session {
  explicit Session(const CausalLM& model) : cache(model.make_cache()) {}
  KvCache cache;
  std::vector<int32_t> ids;  ///< what the cache holds
};

enum class FinishReason { stop, length, cancelled };
/// "stop", "length", "cancelled".
std::string_view name(FinishReason reason);

struct GenerateResult {
  std::vector<int32_t> ids;  ///< new ones; an eos token that ended them is the last
  FinishReason finish = FinishReason::length;
  int64_t prompt_tokens = 0;
  int64_t reused_tokens = 0;  ///< of the prompt, found in the session's cache
  double prefill_s = 0;       ///< to the first token
  double decode_s = 0;        ///< from the first token to the last
  /// Tokens a second after the first one; 0 when there was one only.
  double tokens_per_s() const { return ids.size() > 1 ? static_cast<double>(ids.size() - 1) / decode_s : 0; }
};

/// Called with each new token; false ends the answer (a stop text was found).
using OnToken = std::function<bool(int32_t id)>;

/// Fills the session's cache with all of `prompt` in pieces, and gives the logits of its last token. cancelled between
/// two pieces. bad_input when the prompt is empty, has an id outside the vocabulary, or exceeds the model's positions.
Result<std::vector<float>> prefill(const CausalLM& model, Session& session, std::span<const int32_t> prompt,
                                   std::stop_token stop = {});

/// At most max_new_tokens, and no more than the model has positions for. Being stopped is no failure: what was made is
/// returned with FinishReason::cancelled.
Result<GenerateResult> generate(const CausalLM& model, Session& session, std::span<const int32_t> prompt,
                                const GenerationConfig& config, const OnToken& on_token = {},
                                std::stop_token stop = {});

}  // namespace hearth
