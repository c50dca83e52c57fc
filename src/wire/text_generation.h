// Text generation as Text Generation Inference asks and answers it: `POST /` with {"inputs", "parameters", "stream"}.
// Source: text-generation-inference router/src/{lib.rs,validation.rs,infer/mod.rs}; huggingface_hub 2.4.0
// inference/_generated/types/text_generation.py.
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

struct TextGenerationCall {
  std::string inputs;
  bool stream = false;
  bool details = false;
  bool return_full_text = false;
  bool do_sample = false;  ///< also when something is set that only sampling heeds
  std::optional<int64_t> max_new_tokens, top_k, truncate;
  std::optional<double> temperature, top_p, typical_p, repetition_penalty, frequency_penalty;
  std::optional<uint64_t> seed;
  AnswerForm form;
  std::vector<std::string> stop;
};

/// bad_input in TGI's words ("Input validation error: ..."); unsupported names the parameters that this engine does not
/// have, so that InferenceClient asks again without them.
Result<TextGenerationCall> parse_text_generation_call(const Json& body);
/// "Input validation error: " and what is wrong.
Status invalid_generation(std::string_view what);

struct GeneratedToken {
  int64_t id = 0;
  std::string text;
  double logprob = 0;
  bool special = false;
};

/// Why it ended: "length", "eos_token" or "stop_sequence".
struct GenerationDetails {
  std::string_view finish_reason;
  int64_t generated_tokens = 0;
  int64_t input_length = 0;
  std::optional<uint64_t> seed;
};

/// [{"generated_text", "details"?}]
std::string text_generation_json(std::string_view text, const GenerationDetails& details,
                                 const std::vector<GeneratedToken>& tokens, bool with_details);
/// One token of a stream; the last one brings the whole text, and the details if they were asked for. `index` from 1.
std::string text_generation_event(int64_t index, const GeneratedToken& token);
std::string text_generation_last_event(int64_t index, const GeneratedToken& token, std::string_view text,
                                       const GenerationDetails* details);
std::string text_generation_error_event(const Status& status);
/// TGI's name of a failure's kind: "validation", "overloaded", "generation".
std::string_view generation_error_type(const Status& status);

}  // namespace hearth::wire
