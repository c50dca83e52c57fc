// OpenAI's responses: requests brought to GenerateRequest, answers and their events.
// Source: openai 3.54.0 types/responses/response_create_params.py, response.py, response_input_item_param.py and the
// event types beside them; their order: lib/streaming/responses/_responses.py.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "wire/answer.h"
#include "wire/openai.h"

namespace hearth::wire {

struct ResponsesRequest {
  GenerateRequest generate;
  Json body;          ///< whose settings the answer repeats
  Json conversation;  ///< the messages without the instructions, which do not go on to the next response
  bool store = true;
};

/// The conversation of an earlier response with its answer, if it is still there.
using FindConversation = std::function<std::optional<Json>(std::string_view id)>;
Result<ResponsesRequest> parse_responses_request(const Json& body, const FindConversation& find);

/// `keep`: called once with the response's id and its conversation, the answer included.
using KeepConversation = std::function<void(std::string id, Json conversation)>;
std::unique_ptr<AnswerWriter> responses_writer(ResponsesRequest request, AnswerHead head, KeepConversation keep);

}  // namespace hearth::wire
