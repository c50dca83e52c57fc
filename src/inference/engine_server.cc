#include "inference/engine_server.h"

#include <exception>

#include "base/text.h"
#include "inference/generation_server.h"
#include "inference/server_parts.h"
#include "inference/task_server.h"
#include "wire/openai.h"
#include "wire/openai_answer.h"
#include "wire/tasks.h"

namespace hearth::inference {
namespace {

constexpr std::string_view kPipeline = "/pipeline";

bool is_task_path(std::string_view path) {
  return path == kPipeline || path.starts_with("/pipeline/");
}

}  // namespace

Result<net::Response> EngineServer::answer(const net::Request& request, std::stop_token stop) {
  const auto& path = request.head.path;
  if (path == "/health") return json_answer("{}");
  if (path == "/v1/models") return json_answer(wire::models_json({{name_, 0, "hearth"}}));
  const bool is_chat = path == "/v1/chat/completions", is_completion = path == "/v1/completions";
  const bool is_embedding = path == "/v1/embeddings", is_task = is_task_path(path);
  if (!is_chat && !is_completion && !is_embedding && !is_task)
    return Status(Code::not_found, cat("the engine has nothing at ", path));
  if (request.head.method != "POST") return Status(Code::bad_input, cat(path, " takes POST"));
  const auto body = TRY(Json::parse(request.body));
  if (is_task)
    return answer_task(model_, std::string_view(path).substr(std::min(path.size(), kPipeline.size() + 1)), body,
                       std::move(stop));
  if (is_embedding) return answer_embeddings(model_, name_, body, stop);
  const auto wanted = TRY(is_chat ? wire::parse_chat_request(body) : wire::parse_completion_request(body));
  auto& decoder = *TRY(model_.decoder());
  return GenerationServer(decoder, name_)
      .generate(
          wanted, is_chat ? "chatcmpl-" : "cmpl-",
          [&](wire::AnswerHead head) { return wire::openai_writer(wanted, std::move(head)); }, std::move(stop));
}

net::Response EngineServer::handle(net::Request&& request, std::stop_token stop) {
  const auto answered = [&]() -> Result<net::Response> {
    try {
      return answer(request, stop);
    } catch (const std::exception& error) {
      return Status(Code::internal, cat("the engine failed: ", std::string_view(error.what())));
    }
  };
  auto result = answered();
  if (result.ok()) return *std::move(result);
  const auto& status = result.status();
  if (is_task_path(request.head.path)) {
    // A thing this engine does not do is the request's fault for clients that would otherwise retry.
    const int code = status.code() == Code::unsupported ? 400 : code_row(status.code()).http_status;
    return json_answer(wire::task_error_json(status), code);
  }
  return json_answer(wire::error_json(status), wire::error_status(status));
}

}  // namespace hearth::inference
