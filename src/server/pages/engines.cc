// GET /engine: what the hub's engines are doing, for administrators; it asks GET /api/admin/engines every two seconds:
// of each engine its model, state, the requests it answers, and what it says of itself (GET /stats of the engine).
#include "endpoints/endpoints.h"
#include "server/api_json.h"
#include "server/page_data.h"
#include "server/pages_registry.h"
#include "server/services.h"

namespace hearth::server::pages {
namespace {

Json engines_json(const Request& rq) {
  Json::Array out;
  auto* endpoints = rq.services().endpoints;
  if (!endpoints) return out;
  const auto told = endpoints->ask_all("/stats");
  for (const auto& engine : endpoints->states()) {
    Json row = Json::Object{{"model", engine.id}, {"state", engine.state}, {"answering", engine.answering}};
    for (const auto& [model, body] : told)
      if (model == engine.id) row.set("stats", Json::parse(body).value_or(Json()));
    out.push_back(std::move(row));
  }
  return out;
}

Result<Response> page(Request& rq) {
  Shell shell;
  shell.title = "Engines";
  shell.description = "What the engines of this hub are doing.";
  shell.data = page_data(rq, "engines");
  shell.data.set("engines", engines_json(rq));
  return page_response(rq, std::move(shell));
}

Result<Response> state(Request& rq) {
  return json_response(engines_json(rq).dump());
}

constexpr Route kRoutes[] = {{"GET", "/engine", Access::site_admin, page},
                             {"GET", "/api/admin/engines", Access::site_admin, state}};

}  // namespace
extern constinit const Routes engines_entry{kRoutes};
}  // namespace hearth::server::pages
