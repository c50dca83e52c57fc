// /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/messages (Anthropic's), /v1/models: sent on to the engine
// of the named model, also under /models/{repo}/v1/ and the router's /hf-inference/models/{repo}/v1/ where the address
// names it. Source: openai 3.54.0; huggingface_hub 2.4.0 inference/_client.py and _providers/hf_inference.py for the
// addresses per model.
#include "base/text.h"
#include "server/engine_relay.h"
#include "server/page_data.h"
#include "server/route.h"
#include "wire/anthropic.h"
#include "wire/openai_answer.h"

namespace hearth::server::routes {
namespace {

// A model in the path wins: clients that were given an address send "dummy", or the address itself.
Result<std::string> model_of(const Request& rq) {
  if (!rq.arg("repo").empty()) return model_of_path(rq);
  return std::string(TRY(rq.json())["model"].as_string());
}

Result<Response> relay(const Request& rq, EngineUse use, std::string_view target) {
  return relay_to_engine(rq, TRY(model_of(rq)), use, target, wire::event_error(engine_stopped()));
}

Result<Response> chat(Request& rq) {
  return relay(rq, EngineUse::generation, "/v1/chat/completions");
}
Result<Response> completions(Request& rq) {
  return relay(rq, EngineUse::generation, "/v1/completions");
}
Result<Response> responses(Request& rq) {
  return relay(rq, EngineUse::generation, "/v1/responses");
}
Result<Response> embeddings(Request& rq) {
  return relay(rq, EngineUse::embedding, "/v1/embeddings");
}

// anthropic 2.12.0 resources/messages/messages.py.
Result<Response> messages(Request& rq) {
  return relay_to_engine(rq, TRY(model_of(rq)), EngineUse::generation, "/v1/messages",
                         wire::messages_error_event(engine_stopped()));
}
Result<Response> count_tokens(Request& rq) {
  return relay(rq, EngineUse::generation, "/v1/messages/count_tokens");
}

Result<Response> models(Request& rq) {
  TRY(check_inference(rq));
  hub::RepoQuery query;
  std::vector<wire::ModelRow> rows;
  for (const auto& item : TRY(hub::list_repos(rq.hub(), rq.caller(), query)).items)
    if (runs_here(rq, item.index) &&
        (serves(item.index, EngineUse::generation) || serves(item.index, EngineUse::embedding)))
      rows.push_back({item.repo.full_name(), item.repo.created_ms / 1000, item.repo.owner});
  return json_response(wire::models_json(rows));
}

Result<Response> one_model(Request& rq) {
  TRY(check_inference(rq));
  const auto chosen = TRY(find_engine_model(rq, rq.arg("id"), EngineUse::any));
  return json_response(wire::model_json({chosen.id, chosen.repo.created_ms / 1000, chosen.repo.owner}));
}

constexpr uint64_t kMaxBody = 16 << 20;
constexpr Route kRoutes[] = {
    {"POST", "/v1/chat/completions", Access::open, chat, BodyMode::memory, kMaxBody},
    {"POST", "/v1/completions", Access::open, completions, BodyMode::memory, kMaxBody},
    {"POST", "/v1/embeddings", Access::open, embeddings, BodyMode::memory, kMaxBody},
    {"POST", "/v1/responses", Access::open, responses, BodyMode::memory, kMaxBody},
    {"POST", "/v1/messages", Access::open, messages, BodyMode::memory, kMaxBody},
    {"POST", "/v1/messages/count_tokens", Access::open, count_tokens, BodyMode::memory, kMaxBody},
    {"GET", "/v1/models", Access::open, models},
    {"GET", "/v1/models/{id*}", Access::open, one_model},
    {"POST", "/{kind}/{repo}/v1/chat/completions", Access::content, chat, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/v1/completions", Access::content, completions, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/v1/embeddings", Access::content, embeddings, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/v1/responses", Access::content, responses, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/v1/messages", Access::content, messages, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/v1/messages/count_tokens", Access::content, count_tokens, BodyMode::memory, kMaxBody},
    {"POST", "/hf-inference/{kind}/{repo}/v1/chat/completions", Access::content, chat, BodyMode::memory, kMaxBody},
    {"POST", "/hf-inference/{kind}/{repo}/v1/completions", Access::content, completions, BodyMode::memory, kMaxBody},
    {"POST", "/hf-inference/{kind}/{repo}/v1/embeddings", Access::content, embeddings, BodyMode::memory, kMaxBody},
    {"POST", "/hf-inference/{kind}/{repo}/v1/responses", Access::content, responses, BodyMode::memory, kMaxBody},
    {"POST", "/hf-inference/{kind}/{repo}/v1/messages", Access::content, messages, BodyMode::memory, kMaxBody},
    {"POST", "/hf-inference/{kind}/{repo}/v1/messages/count_tokens", Access::content, count_tokens, BodyMode::memory,
     kMaxBody},
};

}  // namespace
extern constinit const Routes openai_entry{kRoutes};
}  // namespace hearth::server::routes
