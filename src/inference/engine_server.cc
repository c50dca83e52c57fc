#include "inference/engine_server.h"

#include <algorithm>
#include <exception>
#include <optional>

#include "base/text.h"
#include "inference/generation_server.h"
#include "inference/server_parts.h"
#include "inference/task_server.h"
#include "inference/text_embeddings_server.h"
#include "inference/text_generation_server.h"
#include "wire/anthropic.h"
#include "wire/openai.h"
#include "wire/openai_answer.h"
#include "wire/openai_responses.h"
#include "wire/tasks.h"

namespace hearth::inference {
namespace {

constexpr std::string_view kPipeline = "/pipeline";

bool is_task_path(std::string_view path) {
  return path == kPipeline || path.starts_with("/pipeline/");
}

/// What is counted, told in the log and traced as a request for text.
bool makes_text(std::string_view path) {
  constexpr std::string_view kPaths[] = {"/generate",       "/generate_stream",         "/vertex",       "/invocations",
                                         "/v1/completions", "/v1/chat/completions",     "/v1/responses", "/v1/messages",
                                         "/pipeline",       "/pipeline/text-generation"};
  return std::ranges::find(kPaths, path) != std::end(kPaths);
}

bool is_message_path(std::string_view path) {
  return path == "/v1/messages" || path == "/v1/messages/count_tokens";
}

Result<net::Response> respond(ServedModel& model, const std::string& name, const Json& body, const Asker& asker) {
  auto* decoder = TRY(model.decoder());
  auto wanted = TRY(wire::parse_responses_request(
      body, [&](std::string_view id) { return decoder->conversations.find(id, asker.client); }));
  const auto make_writer = [&](wire::AnswerHead head) {
    return wire::responses_writer(wanted, std::move(head),
                                  [decoder, client = asker.client](std::string id, Json conversation) {
                                    decoder->conversations.keep(std::move(id), client, std::move(conversation));
                                  });
  };
  return GenerationServer(*decoder, name).generate(wanted.generate, "resp_", make_writer, asker);
}

// Chats, completions and messages; nothing for other paths.
Result<std::optional<net::Response>> generate(ServedModel& model, const std::string& name, std::string_view path,
                                              const Json& body, const Asker& asker) {
  const bool is_chat = path == "/v1/chat/completions", is_message = is_message_path(path);
  if (!is_chat && !is_message && path != "/v1/completions") return std::optional<net::Response>();
  const bool counts = is_message && path != "/v1/messages";
  const auto wanted = TRY(is_message ? wire::parse_messages_request(body, /*needs_length=*/!counts)
                          : is_chat  ? wire::parse_chat_request(body)
                                     : wire::parse_completion_request(body));
  GenerationServer server(*TRY(model.decoder()), name);
  if (counts)
    return std::optional(
        json_answer(Json(Json::Object{{"input_tokens", TRY(server.prompts(wanted))[0].size()}}).dump()));
  const auto make_writer = [&](wire::AnswerHead head) {
    return is_message ? wire::messages_writer(std::move(head)) : wire::openai_writer(wanted, std::move(head));
  };
  return std::optional(TRY(server.generate(wanted,
                                           is_message ? "msg_"
                                           : is_chat  ? "chatcmpl-"
                                                      : "cmpl-",
                                           make_writer, asker)));
}

// SageMaker has one address for all: the body tells which call it is.
// Source: text-generation-inference router/src/sagemaker.rs.
Result<net::Response> invoke(ServedModel& model, const std::string& name, const Json& body, const Asker& asker) {
  const auto path = body.find("messages") ? "/v1/chat/completions" : body.find("prompt") ? "/v1/completions" : "";
  if (*path == 0) return answer_task(model, {}, body, asker);
  return *TRY(generate(model, name, path, body, asker));
}

}  // namespace

Result<net::Response> EngineServer::tell(std::string_view path) {
  if (path == "/health" || path == "/ping") return net::Response();
  if (path == "/v1/models") return json_answer(wire::models_json({{name_, 0, "hearth"}}));
  if (path == "/info" && model_.continues_text())
    return text_generation_info(*TRY(model_.decoder()), name_, model_.path());
  if (path == "/info") return text_embeddings_info(model_, name_);
  if (path != "/metrics" && path != "/stats") return Status(Code::bad_input, cat(path, " takes POST"));
  auto* decoder = model_.loaded_decoder();
  const auto stats = decoder ? decoder->engine.stats() : EngineStats();
  const auto* counted = decoder ? &stats : nullptr;
  if (path == "/stats") return json_answer(telemetry_.live(counted).dump());
  net::Response out;
  out.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  out.body = telemetry_.prometheus(counted, model_.waiting_texts());
  return out;
}

Result<net::Response> EngineServer::answer(const net::Request& request, const Asker& asker) {
  const auto& path = request.head.path;
  if (request.head.method != "POST") return tell(path);
  const auto body = TRY(Json::parse(request.body));
  if (is_task_path(path))
    return answer_task(model_, std::string_view(path).substr(std::min(path.size(), kPipeline.size() + 1)), body, asker);
  if (path == "/invocations") return invoke(model_, name_, body, asker);
  if (model_.continues_text())
    if (auto told = answer_text_generation(*TRY(model_.decoder()), path, body, asker)) return *std::move(told);
  if (!model_.continues_text())
    if (auto told = answer_text_embeddings(model_, path, body, asker)) return *std::move(told);
  if (path == "/v1/embeddings" || path == "/embeddings") return answer_embeddings(model_, name_, body, asker);
  if (path == "/v1/responses") return respond(model_, name_, body, asker);
  auto made = TRY(generate(model_, name_, path, body, asker));
  if (!made) return Status(Code::not_found, cat("the engine has nothing at ", path));
  return *std::move(made);
}

net::Response EngineServer::handle(net::Request&& request, std::stop_token stop) {
  const auto& head = request.head;
  Asker asker{.client = std::string(head.headers.get("X-Hearth-Client")),
              .stop = std::move(stop),
              .id = std::string(head.headers.get("X-Request-Id")),
              .telemetry = &telemetry_};
  if (head.method == "POST" && makes_text(head.path) && model_.continues_text())
    asker.record = telemetry_.begin(head.path, asker.id, head.headers.get("traceparent"), asker.arrived_s);
  const auto answered = [&]() -> Result<net::Response> {
    try {
      return answer(request, asker);
    } catch (const std::exception& error) {
      return Status(Code::internal, cat("the engine failed: ", std::string_view(error.what())));
    }
  };
  auto result = answered();
  if (result.ok()) return *std::move(result);
  const auto& status = result.status();
  if (asker.record) asker.record->refuse(status.code() == Code::busy ? "overloaded" : "validation", status);
  if (is_task_path(request.head.path)) {
    // A thing this engine does not do is the request's fault for clients that would otherwise retry.
    const int code = status.code() == Code::unsupported ? 400 : code_row(status.code()).http_status;
    return json_answer(wire::task_error_json(status), code);
  }
  const int http_status = wire::error_status(status);
  return json_answer(is_message_path(request.head.path) ? wire::messages_error_json(status, http_status)
                                                        : wire::error_json(status, http_status),
                     http_status);
}

}  // namespace hearth::inference
