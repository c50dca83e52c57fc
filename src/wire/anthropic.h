// Anthropic's messages: requests brought to GenerateRequest, answers and their events, errors.
// Source: anthropic 2.12.0 types/message_create_params.py, types/raw_message_stream_event.py, _streaming.py and the
// error types of types/shared/error_type.py.
#pragma once

#include <memory>
#include <string>

#include "wire/answer.h"
#include "wire/openai.h"

namespace hearth::wire {

/// `needs_length`: max_tokens has to be there (of a message, not of a count).
Result<GenerateRequest> parse_messages_request(const Json& body, bool needs_length);
std::unique_ptr<AnswerWriter> messages_writer(AnswerHead head);

/// {"type": "error", "error": {"type", "message"}}
std::string messages_error_json(const Status& status, int http_status);
std::string messages_error_event(const Status& status);

}  // namespace hearth::wire
