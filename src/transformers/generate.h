// generate(): from token ids to new ones. With a session: one sequence, token by token, as a chat is written. With a
// batch: as transformers' generate(), beams and guesses among the ways.
// Source: transformers 5.23.0 generation/utils.py.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tensor/torch_generator.h"
#include "tokenizers/tokenizer.h"
#include "transformers/causal_lm.h"
#include "transformers/generation_config.h"
#include "transformers/logits_process.h"

namespace hearth {

/// Picks the next token of one sequence from logits. Keeps a random state.
class Sampler {
 public:
  /// bad_input when the configuration names a token outside the vocabulary.
  static Result<Sampler> from(const GenerationConfig& config, PromptFacts facts, int64_t vocab_size);
  /// logits: [vocab_size]; seen: the prompt and all that was generated.
  int32_t operator()(std::span<const float> logits, std::span<const int32_t> seen);

 private:
  Sampler(LogitsProcessors processors, bool is_sampling, uint64_t seed)
      : processors_(std::move(processors)), is_sampling_(is_sampling), random_(seed) {}

  LogitsProcessors processors_;
  bool is_sampling_;
  TorchGenerator random_;
  std::vector<float> scores_;
};

/// A conversation's tokens and their cache: the next prompt computes only what follows the common beginning.
struct Session {
  explicit Session(const CausalLM& model) : cache(model.make_cache()) {}
  explicit Session(KvCache with) : cache(std::move(with)) {}
  KvCache cache;
  std::vector<int32_t> ids;  ///< what the cache holds, and behind it what it is to read next

  /// The end of `ids` that the cache is to read; all of it where `model` reads a text again that has grown so long.
  std::span<const int32_t> unread(const CausalLM& model);
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

/// bad_input when a prompt is empty or has an id outside the vocabulary, too_large when the model has no positions for
/// it.
Status check_prompt(const CausalLM& model, std::span<const int32_t> prompt);

/// Fills the session's cache with all of `prompt` in pieces, and gives the logits of its last token. `rope_length`: of
/// the longest prompt of a batch, or 0. cancelled between two pieces. Fails as check_prompt.
Result<std::vector<float>> prefill(const CausalLM& model, Session& session, std::span<const int32_t> prompt,
                                   std::stop_token stop = {}, int64_t rope_length = 0);

/// At most max_new_tokens, and no more than the model has positions for. Being stopped is no failure: what was made is
/// returned with FinishReason::cancelled.
Result<GenerateResult> generate(const CausalLM& model, Session& session, std::span<const int32_t> prompt,
                                const GenerationConfig& config, const OnToken& on_token = {},
                                std::stop_token stop = {});

/// What generate() may be given beside its configuration.
struct GenerateOptions {
  /// A smaller model of the same vocabulary whose guesses this one checks; kept by the caller.
  const CausalLM* assistant_model = nullptr;
  /// Ends a row, as an end token does: `ids` are all of its tokens.
  std::function<bool(std::span<const int32_t> ids)> stopping_criteria = {};
  /// The tokens that a row may go on with; all others are out. `row`: of the prompts.
  std::function<std::vector<int32_t>(size_t row, std::span<const int32_t> ids)> prefix_allowed_tokens_fn = {};
  /// BaseStreamer's put: the new token of each row. Not called while beams are searched.
  std::function<void(std::span<const int32_t> ids)> streamer = {};
  std::stop_token stop = {};             ///< ends with cancelled
  const Tokenizer* tokenizer = nullptr;  ///< that stop_strings are read by; kept by the caller
};

struct GenerateOutput {
  /// num_return_sequences for each prompt, of one length: a decoder's prompt with its padding, what was made, padding.
  std::vector<std::vector<int32_t>> sequences;
  std::vector<float> sequences_scores;  ///< of beams: log probability / length^length_penalty
};

/// Continues each row of `inputs` (padded on the left), or answers it where the model has an encoder. bad_input on
/// empty rows, ids outside the vocabulary, a prompt as long as the answer may become, and settings that exclude each
/// other.
Result<GenerateOutput> generate(const CausalLM& model, const ModelInputs& inputs, const GenerationConfig& config,
                                const GenerateOptions& options = {});

}  // namespace hearth
