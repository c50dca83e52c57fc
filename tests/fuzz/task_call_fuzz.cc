// Calls of engines: a line with the task's name, then the body. What is parsed is also shaped as an answer.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/anthropic.h"
#include "wire/openai_responses.h"
#include "wire/tasks.h"
#include "wire/text_embeddings.h"
#include "wire/text_generation.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.find('\n');
  const auto task = text.substr(0, line);
  const auto body = Json::parse(line == std::string_view::npos ? "{}" : text.substr(line + 1));
  if (!body.ok()) return 0;
  if (const auto call = wire::parse_task_call(task, *body); call.ok())
    static_cast<void>(wire::task_answer(task, *call, (*body)["answer"]).dump());
  static_cast<void>(wire::parse_text_generation_call(*body, {.max_input_tokens = 9, .max_total_tokens = 10}).ok());
  static_cast<void>(wire::parse_openai_embedding_call(*body).ok());
  static_cast<void>(wire::parse_feature_call(*body).ok());
  static_cast<void>(wire::parse_similarity_call(*body).ok());
  if (const auto call = wire::parse_rerank_call(*body); call.ok())
    static_cast<void>(wire::rerank_json(*call, std::vector<std::vector<float>>(call->inputs.size(), {0})));
  if (const auto call = wire::parse_predict_call(*body); call.ok())
    static_cast<void>(wire::predict_json(*call, std::vector<std::vector<float>>(call->inputs.size(), {0, 1}), {"a"}));
  static_cast<void>(wire::parse_embed_call(*body).ok());
  static_cast<void>(wire::parse_tei_similarity_call(*body).ok());
  static_cast<void>(wire::parse_tokenize_call(*body).ok());
  static_cast<void>(wire::parse_decode_call(*body).ok());
  static_cast<void>(wire::parse_chat_request(*body).ok());
  static_cast<void>(wire::parse_completion_request(*body).ok());
  static_cast<void>(wire::parse_messages_request(*body, true).ok());
  static_cast<void>(wire::parse_responses_request(*body, [&](std::string_view) { return *body; }).ok());
  return 0;
}
