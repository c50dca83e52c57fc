// /v1/chat/completions, /v1/completions, /v1/models: sent on to the engine of the named model, also under
// /models/{repo}/v1/ where the address names it.
// Source: openai 3.54.0; huggingface_hub 2.4.0 inference/_client.py for the addresses per model.
#include "wire/openai.h"
#include "base/text.h"
#include "endpoints/endpoints.h"
#include "server/engine_model.h"
#include "server/page_data.h"
#include "server/routes_registry.h"
#include "server/services.h"

namespace hearth::server::routes {
namespace {

// Visitors may use engines of public models where the hub says so; members those of what they may read.
Status check_inference(const Request& rq) {
  if (!rq.services().endpoints) return Status(Code::unsupported, "this hub runs no engines");
  if (!rq.user() && !rq.services().anonymous_inference)
    return Status(Code::unauthenticated, "this hub's engines need a token: api_key=\"hf_...\"");
  // Reading tokens may ask as well; a fine-grained one must say so.
  if (rq.caller().scopes) TRY(hub::check_token(rq.caller(), "inference.serverless.write", {.owner_id = rq.user()->id}));
  return {};
}

Result<Response> relay(Request& rq, std::string_view model, std::string_view target) {
  TRY(check_inference(rq));
  const auto chosen = TRY(find_engine_model(rq, model));
  auto ready = TRY(rq.services().endpoints->acquire(chosen.path, chosen.id, rq.stop()));
  net::Relay to;
  to.unix_path = std::move(ready.socket_path);
  to.method = "POST";
  to.target = target;
  to.headers.set("Content-Type", "application/json");
  to.headers.set("X-Request-Id", rq.id());
  to.body = rq.body();
  to.broken_tail = wire::event_error(
      Status(Code::unavailable, "the engine stopped in the middle of the answer; the next request starts it again"));
  Response out;
  out.body = std::move(to);
  out.lease = std::move(ready.lease);
  return out;
}

Result<std::string> model_of(const Request& rq) {
  if (!rq.arg("repo").empty()) return rq.arg("repo");
  return std::string(TRY(rq.json())["model"].as_string());
}

Result<Response> chat(Request& rq) {
  return relay(rq, TRY(model_of(rq)), "/v1/chat/completions");
}
Result<Response> completions(Request& rq) {
  return relay(rq, TRY(model_of(rq)), "/v1/completions");
}

Result<Response> models(Request& rq) {
  TRY(check_inference(rq));
  hub::RepoQuery query;
  std::vector<wire::ModelRow> rows;
  for (const auto& item : TRY(hub::list_repos(rq.hub(), rq.caller(), query)).items)
    if (runs_here(item.index)) rows.push_back({item.repo.full_name(), item.repo.created_ms / 1000, item.repo.owner});
  return json_response(wire::models_json(rows));
}

Result<Response> one_model(Request& rq) {
  TRY(check_inference(rq));
  const auto chosen = TRY(find_engine_model(rq, rq.arg("id")));
  return json_response(wire::model_json({chosen.id, chosen.repo.created_ms / 1000, chosen.repo.owner}));
}

constexpr uint64_t kMaxBody = 16 << 20;
constexpr Route kRoutes[] = {
    {"POST", "/v1/chat/completions", Access::open, chat, BodyMode::memory, kMaxBody},
    {"POST", "/v1/completions", Access::open, completions, BodyMode::memory, kMaxBody},
    {"GET", "/v1/models", Access::open, models},
    {"GET", "/v1/models/{id*}", Access::open, one_model},
    {"POST", "/{kind}/{repo}/v1/chat/completions", Access::content, chat, BodyMode::memory, kMaxBody},
    {"POST", "/{kind}/{repo}/v1/completions", Access::content, completions, BodyMode::memory, kMaxBody},
};

}  // namespace
extern constinit const Routes openai_entry{kRoutes};
}  // namespace hearth::server::routes
