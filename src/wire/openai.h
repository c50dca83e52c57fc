// Requests of OpenAI's chat and completions, which every protocol of generating models is brought to.
// Source: openai 3.54.0 (types/chat/completion_create_params.py, types/completion_create_params.py); vLLM's extensions
// (entrypoints/openai/protocol.py): top_k, min_p, repetition_penalty, min_tokens, ignore_eos, stop_token_ids,
// chat_template_kwargs, structured_outputs; llama.cpp's grammar and json_schema; TGI's response_format with a `value`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

/// A function that the model may call.
struct Tool {
  std::string name;
  std::string description;
  Json parameters;      ///< JSON Schema of its arguments; null: any object
  bool strict = false;  ///< its arguments have to be of the schema
  /// As chat templates know it: {"type": "function", "function": {"name", "description", "parameters"}}.
  Json as_json() const;
};

struct ToolChoice {
  /// `automatic`: the model decides; `named`: it has to call `name`.
  enum class Kind : uint8_t { none, automatic, required, named };
  Kind kind = Kind::automatic;
  std::string name = {};
};

/// What is to be continued: text, or its tokens.
struct Prompt {
  std::string text;
  std::vector<int32_t> ids;
  bool is_ids = false;
};

/// What both calls share. Absent values are the model's own defaults.
struct GenerateRequest {
  bool is_chat = false;
  std::string model;        ///< as the client wrote it; may be empty
  Json messages;            ///< of a chat: a list of objects with `role` and `content` as text; arguments of
                            ///< tool calls as objects
  std::vector<Tool> tools;  ///< of a chat
  ToolChoice tool_choice;   ///< none where there are no tools
  bool parallel_tool_calls = true;
  Json template_variables;  ///< chat_template_kwargs: an object or null
  bool continue_final_message = false;
  std::vector<Prompt> prompts;  ///< of a completion
  bool echo = false;            ///< of a completion: the prompt first

  std::optional<double> temperature;  ///< 0 to 2; 0 is greedy
  std::optional<double> top_p;        ///< over 0, to 1
  std::optional<double> min_p;        ///< 0 to 1
  std::optional<int64_t> top_k;
  std::optional<int64_t> max_tokens;  ///< at least 1; of a completion 16 when absent
  int64_t min_tokens = 0;
  std::optional<double> presence_penalty, frequency_penalty;  ///< -2 to 2
  std::optional<double> repetition_penalty;                   ///< above 0
  std::vector<std::pair<int32_t, float>> logit_bias;          ///< of a token, -100 to 100
  std::optional<int64_t> logprobs;  ///< the made token's, with those of so many that could have been made
  std::optional<uint64_t> seed;
  AnswerForm form;
  std::vector<std::string> stop;
  std::vector<int32_t> stop_token_ids;
  bool ignore_eos = false;
  int64_t n = 1;  ///< answers a prompt
  bool stream = false;
  bool include_usage = false;
};

/// bad_input names the key that is wrong; unsupported those that this engine does not do, instead of leaving them out
/// silently. Unknown keys are ignored, as all servers of this protocol do.
Result<GenerateRequest> parse_chat_request(const Json& body);
Result<GenerateRequest> parse_completion_request(const Json& body);

/// What other protocols have in common with these: "'key' rule" as bad_input; the tools' list and the messages checked
/// and brought into the form that GenerateRequest says.
Status wrong_key(std::string_view key, std::string_view rule);
Result<Tool> parse_function(const Json& function, std::string_view key);
Status set_messages(GenerateRequest& request, const Json& messages);
Status set_tools(GenerateRequest& request, std::vector<Tool> tools);

}  // namespace hearth::wire
