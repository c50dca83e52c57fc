// The addresses of Text Generation Inference under /models/{repo}, the router's /hf-inference/models/{repo}, and at the
// root for the hub's only model that generates: sent on to the engine.
// Source: text-generation-inference router/src/server.rs; text-generation 0.7.0 client.py.
#include "wire/text_generation.h"
#include "base/text.h"
#include "endpoints/endpoints.h"
#include "server/engine_relay.h"
#include "server/route.h"
#include "server/services.h"

namespace hearth::server::routes {
namespace {

// The last part of the pattern is the engine's own address.
Result<Response> send_on(Request& rq, std::string_view model, EngineUse use) {
  const std::string_view path = rq.head().path;
  return relay_to_engine(rq, model, use, path.substr(path.rfind('/')),
                         wire::text_generation_error_event(engine_stopped()));
}

Result<Response> relay(Request& rq) {
  if (!rq.arg("repo").empty()) return send_on(rq, TRY(model_of_path(rq)), EngineUse::any);
  return send_on(rq, "", EngineUse::generation);
}

// What servers of embeddings have, too: without a model that generates it is the one that embeds.
Result<Response> relay_shared(Request& rq) {
  if (!rq.arg("repo").empty()) return relay(rq);
  auto answer = send_on(rq, "", EngineUse::generation);
  if (answer.ok() || answer.status().code() != Code::not_found) return answer;
  return send_on(rq, "", EngineUse::embedding);
}

// The root itself, where clients were given the hub's address as a server's.
Result<Response> compat(Request& rq) {
  return relay_to_engine(rq, "", EngineUse::generation, "/pipeline",
                         wire::text_generation_error_event(engine_stopped()));
}

// Asked again and again: no reason to start an engine.
Result<Response> metrics(Request& rq) {
  TRY(check_inference(rq));
  const auto model = TRY(find_engine_model(rq, TRY(model_of_path(rq)), EngineUse::any));
  return text_response(rq.services().endpoints->ask(model.path, "/metrics").value_or(""),
                       "text/plain; version=0.0.4; charset=utf-8");
}

constexpr uint64_t kMaxBody = 16 << 20;
constexpr Route kRoutes[] = {
    {"POST", "/", Access::open, compat, BodyMode::memory, kMaxBody},
    {"POST", "/generate", Access::open, relay, BodyMode::memory, kMaxBody},
    {"POST", "/generate_stream", Access::open, relay, BodyMode::memory, kMaxBody},
    {"POST", "/tokenize", Access::open, relay_shared, BodyMode::memory, kMaxBody},
    {"POST", "/chat_tokenize", Access::open, relay, BodyMode::memory, kMaxBody},
    {"POST", "/invocations", Access::open, relay_shared, BodyMode::memory, kMaxBody},
    {"POST", "/vertex", Access::open, relay_shared, BodyMode::memory, kMaxBody},
    {"GET", "/info", Access::open, relay_shared},
    {"GET", "/health", Access::open, relay_shared},
    {"GET", "/ping", Access::open, relay_shared},
    {"POST", "/{kind}/{repo}/generate", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/generate_stream", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/tokenize", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/chat_tokenize", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/invocations", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/vertex", Access::content, relay, BodyMode::memory, kMaxBody},
    {"GET", "/{kind}/{repo}/info", Access::content, relay},
    {"GET", "/{kind}/{repo}/health", Access::content, relay},
    {"GET", "/{kind}/{repo}/ping", Access::content, relay},
    {"GET", "/{kind}/{repo}/metrics", Access::content, metrics},
    {"POST", "/hf-inference/{kind}/{repo}/generate", Access::content, relay, BodyMode::memory, kMaxBody},
    {"POST", "/hf-inference/{kind}/{repo}/generate_stream", Access::content, relay, BodyMode::memory, kMaxBody},
    {"GET", "/hf-inference/{kind}/{repo}/info", Access::content, relay},
    {"GET", "/hf-inference/{kind}/{repo}/health", Access::content, relay},
};

}  // namespace
extern constinit const Routes text_generation_entry{kRoutes};
}  // namespace hearth::server::routes
