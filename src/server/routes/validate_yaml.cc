// POST /api/validate-yaml: what a card's metadata is worth, asked before every commit that holds a README.md.
// Source: huggingface_hub 2.4.0 _commit_api.py (_warn_on_overwriting_operations), repocard.py RepoCard.validate.
#include "hub/card.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

Json messages(const std::vector<std::string>& texts) {
  Json::Array out;
  for (const auto& text : texts) out.push_back(Json::Object{{"message", text}});
  return out;
}

Result<Response> validate(Request& rq) {
  const auto body = TRY(rq.json());
  const auto kind = TRY(hub::parse_kind(body["repoType"].as_string("model")));
  const auto check = hub::validate_card(body["content"].as_string(), kind);
  Json answer = Json::Object{{"errors", messages(check.errors)}, {"warnings", messages(check.warnings)}};
  if (check.errors.empty()) return json_response(answer);
  answer.set("error", "Invalid metadata in README.md");
  return json_response(answer, 400);
}

constexpr Route kRoutes[] = {{"POST", "/api/validate-yaml", Access::open, validate, BodyMode::memory, 8u << 20}};

}  // namespace
extern constinit const Routes validate_yaml_entry{kRoutes};
}  // namespace hearth::server::routes
