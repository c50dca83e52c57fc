// OpenAI's answers of chats and completions, their events, errors and models.
// Source: openai 3.54.0 types/chat/chat_completion.py, chat_completion_chunk.py, types/completion.py, model.py,
// _exceptions.py; reasoning_content as llama.cpp, SGLang and vLLM send it, reasoning as huggingface_hub 2.4.0 reads it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wire/answer.h"
#include "wire/openai.h"

namespace hearth::wire {

/// Of chats and completions as `request` wants them. `prompts_text`: what a completion that echoes begins with.
std::unique_ptr<AnswerWriter> openai_writer(const GenerateRequest& request, AnswerHead head);

std::string event_done();
std::string event_error(const Status& status);

/// {"error": {"message", "type", "param", "code"}}. The parameter is the one that the message begins with.
/// The HTTP status: what an engine does not do, and a prompt that is too long, are the request's faults.
int error_status(const Status& status);
std::string error_json(const Status& status, int http_status);
inline std::string error_json(const Status& status) {
  return error_json(status, error_status(status));
}

/// {"object": "list", "data": [{"id", "object": "model", "created", "owned_by"}]}
struct ModelRow {
  std::string id;
  int64_t created_s = 0;
  std::string owner;
};
std::string models_json(const std::vector<ModelRow>& rows);
std::string model_json(const ModelRow& row);

}  // namespace hearth::wire
