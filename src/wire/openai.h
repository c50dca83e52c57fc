// Requests and answers of OpenAI's chat and completions, between clients, the front and the engines.
// Source: openai 3.54.0 (types/chat, types/completion*.py); TGI's and vLLM's extensions top_k, chat_template_kwargs,
// structured_outputs; llama.cpp's grammar and json_schema; TGI's response_format with a `value`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace hearth::wire {

/// What an answer has to be.
struct AnswerForm {
  enum class Kind : uint8_t { any, json_object, json_schema, regex, grammar };
  Kind kind = Kind::any;
  Json schema;       ///< of json_schema
  std::string text;  ///< of regex, and of grammar (GBNF)
};

/// {"type", "value"} of TGI's clients, {"type", "json_schema"} of OpenAI's.
Result<AnswerForm> parse_response_format(const Json& format);

/// What both calls share. Absent values are the model's own defaults.
struct GenerateRequest {
  bool is_chat = false;
  std::string model;                 ///< as the client wrote it; may be empty
  Json messages;                     ///< of a chat: a list of objects with `role` and `content` as text
  Json tools;                        ///< of a chat: list or null
  Json template_variables;           ///< chat_template_kwargs: an object or null
  std::vector<std::string> prompts;  ///< of a completion
  bool echo = false;                 ///< of a completion: the prompt first

  std::optional<double> temperature;  ///< 0 to 2; 0 is greedy
  std::optional<double> top_p;        ///< over 0, to 1
  std::optional<int64_t> top_k;
  std::optional<int64_t> max_tokens;                          ///< at least 1; of a completion 16 when absent
  std::optional<double> presence_penalty, frequency_penalty;  ///< -2 to 2
  std::optional<uint64_t> seed;
  AnswerForm form;
  std::vector<std::string> stop;
  int64_t n = 1;  ///< answers a prompt
  bool stream = false;
  bool include_usage = false;
};

/// bad_input names the key that is wrong; unsupported those that this engine does not do, instead of leaving them out
/// silently. Unknown keys are ignored, as all servers of this protocol do.
Result<GenerateRequest> parse_chat_request(const Json& body);
Result<GenerateRequest> parse_completion_request(const Json& body);

enum class FinishReason { stop, length };

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
};

/// One answer's identity: the same in all its chunks.
struct AnswerHead {
  bool is_chat = false;
  std::string id;  ///< "chatcmpl-..." or "cmpl-..."
  int64_t created_s = 0;
  std::string model;
  std::string fingerprint;  ///< says the numerics: "hearth-0.1.0-fast"
};

struct Choice {
  int64_t index = 0;
  std::string text;
  FinishReason reason = FinishReason::stop;
};

/// The whole answer.
std::string answer_json(const AnswerHead& head, const std::vector<Choice>& choices, const Usage& usage);
/// Events of a stream, each with its blank line: the opening of a choice (chat only), a piece, its end, the usage, the
/// end of all, a failure.
std::string event_open(const AnswerHead& head, int64_t index, bool with_usage_key);
std::string event_text(const AnswerHead& head, int64_t index, std::string_view text, bool with_usage_key);
std::string event_finish(const AnswerHead& head, int64_t index, FinishReason reason, bool with_usage_key);
std::string event_usage(const AnswerHead& head, const Usage& usage);
std::string event_done();
std::string event_error(const Status& status);

/// {"error": {"message", "type", "param", "code"}}
std::string error_json(const Status& status);

/// {"object": "list", "data": [{"id", "object": "model", "created", "owned_by"}]}
struct ModelRow {
  std::string id;
  int64_t created_s = 0;
  std::string owner;
};
std::string models_json(const std::vector<ModelRow>& rows);
std::string model_json(const ModelRow& row);

}  // namespace hearth::wire
