// Text generation as Text Generation Inference asks and answers it: `POST /generate`, `/generate_stream`, and `POST /`
// with {"inputs", "parameters", "stream"}; what it says of itself and of tokens.
// Source: text-generation-inference router/src/{lib,server,validation}.rs, infer/mod.rs; huggingface_hub 2.4.0
// inference/_generated/types/text_generation.py; text-generation 0.7.0 types.py.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "wire/openai.h"

namespace hearth::wire {

/// The launcher's defaults, and what a model can take.
struct TextGenerationLimits {
  int64_t max_best_of = 2, max_stop_sequences = 4, max_top_n_tokens = 5;
  int64_t max_input_tokens = 0, max_total_tokens = 0;
};

struct TextGenerationCall {
  std::string inputs;
  bool stream = false;
  bool details = false;
  bool decoder_input_details = false;  ///< the prompt's tokens with their probabilities
  bool return_full_text = false;
  bool add_special_tokens = true;
  bool do_sample = false;  ///< also when something is set that only sampling heeds
  int64_t best_of = 1;
  int64_t top_n_tokens = 0;  ///< the likeliest tokens of each step
  std::optional<int64_t> max_new_tokens, top_k, truncate;
  std::optional<double> temperature, top_p, typical_p, repetition_penalty, frequency_penalty;
  std::optional<uint64_t> seed;
  std::optional<std::string> adapter_id;
  AnswerForm form;
  std::vector<std::string> stop;
};

/// `streams`: absent: as the body says. bad_input in TGI's words ("Input validation error: ..."); unsupported names the
/// parameters that this engine does not have, so that InferenceClient asks again without them. Unknown ones are not
/// looked at.
Result<TextGenerationCall> parse_text_generation_call(const Json& body, const TextGenerationLimits& limits,
                                                      std::optional<bool> streams = {});
/// "Input validation error: " and what is wrong.
Status invalid_generation(std::string_view what);

struct GeneratedToken {
  int64_t id = 0;
  std::string text;
  std::optional<double> logprob = {};  ///< of the first token of a prompt there is none
  bool special = false;
};

/// One answer.
struct GeneratedSequence {
  std::string text;
  std::string_view finish_reason = "length";  ///< or "eos_token", "stop_sequence"
  std::optional<uint64_t> seed = {};          ///< of a drawn one
  int64_t input_length = 0;
  std::vector<GeneratedToken> tokens = {};
  std::vector<std::vector<GeneratedToken>> top_tokens = {};  ///< one list a token, where they were asked for
  std::vector<GeneratedToken> prefill = {};

  /// What picks the best of several.
  double mean_logprob() const;
};

/// {"generated_text", "details"?}. `others`: what the best one was chosen from.
std::string text_generation_json(const TextGenerationCall& call, const GeneratedSequence& best,
                                 const std::vector<GeneratedSequence>& others);
/// The newest token of a stream; the last one brings the whole text, and the details if they were asked for.
std::string text_generation_event(const TextGenerationCall& call, const GeneratedSequence& so_far, bool is_last);

/// How a failure is told: TGI's InferError.
struct GenerationError {
  int http_status = 424;
  std::string error;
  std::string_view error_type;  ///< "validation", "overloaded", "generation", "template_error"
  std::string json() const;
};
GenerationError generation_error(const Status& status);
std::string text_generation_error_event(const Status& status);

/// A token of a text, and the characters of it that it stands for.
struct TextToken {
  int64_t id = 0;
  std::string text;
  int64_t start = 0, stop = 0;
  bool special = false;  ///< put around the text
};
/// POST /tokenize and /chat_tokenize: [{"id", "text", "start", "stop"}].
std::string tokenize_json(const std::vector<TextToken>& tokens);
std::string chat_tokenize_json(const std::vector<TextToken>& tokens, std::string_view templated_text);

/// GET /info.
struct TextGenerationInfo {
  std::string model_id, model_sha;  ///< an empty sha is not known
  TextGenerationLimits limits;
  int64_t max_concurrent_requests = 0, max_client_batch_size = 0, validation_workers = 0;
};
std::string text_generation_info_json(const TextGenerationInfo& info);

}  // namespace hearth::wire
