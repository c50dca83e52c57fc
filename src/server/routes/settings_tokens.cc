// GET, POST /api/settings/tokens, DELETE /api/settings/tokens/{id}: the caller's access tokens, for the site's settings
// page: by session, so that a leaked token makes no tokens.
#include "base/clock.h"
#include "base/text.h"
#include "server/account_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

Json time_or_null(const std::optional<int64_t>& at_ms) {
  return at_ms ? Json(iso_time(*at_ms)) : Json();
}

Result<Json> token_json(const Request& rq, const hub::TokenInfo& token) {
  Json out = Json::Object{{"id", token.id},
                          {"displayName", token.name},
                          {"role", hub::role_name(token.role)},
                          {"hint", token.hint},
                          {"createdAt", iso_time(token.created_ms)},
                          {"lastUsedAt", time_or_null(token.used_ms)},
                          {"expiresAt", time_or_null(token.expires_ms)}};
  if (token.scopes) out.set("fineGrained", TRY(scopes_json(rq.hub(), *token.scopes)));
  return out;
}

Result<Response> list(Request& rq) {
  Json::Array out;
  for (const auto& token : TRY(rq.hub().accounts().tokens(*rq.user()))) out.push_back(TRY(token_json(rq, token)));
  return json_response(Json(std::move(out)));
}

Result<Response> create(Request& rq) {
  const auto body = TRY(rq.json());
  const auto name = body["displayName"].as_string();
  if (trim(name).empty()) return Status(Code::bad_input, "\"displayName\" says what the token is for");
  const auto role = TRY(hub::parse_role(body["role"].as_string("read")));
  hub::TokenLimits limits;
  if (role == hub::TokenRole::fine_grained)
    limits.scopes = TRY(read_scopes(rq.hub(), rq.caller(), body["fineGrained"]));
  if (const auto& expires = body["expiresAt"]; expires.is_string())
    limits.expires_ms = TRY(parse_iso_time(expires.as_string()));
  auto& accounts = rq.hub().accounts();
  const auto secret = TRY(accounts.create_token(*rq.user(), role, name, limits));
  rq.audit() = {.target = cat("token ", name), .data = Json::Object{{"role", hub::role_name(role)}}};
  auto out = TRY(token_json(rq, TRY(accounts.tokens(*rq.user())).back()));
  out.set("token", secret);  // this once
  return json_response(out, 201);
}

Result<Response> remove(Request& rq) {
  const auto id = parse_int(rq.arg("id"));
  if (!id) return Status(Code::not_found, "there is no such token");
  TRY(rq.hub().accounts().delete_token(*rq.user(), *id));
  rq.audit() = {.target = cat("token ", *id)};
  return empty_response();
}

constexpr Route kRoutes[] = {{"GET", "/api/settings/tokens", Access::session, list},
                             {"POST", "/api/settings/tokens", Access::session, create},
                             {"DELETE", "/api/settings/tokens/{id}", Access::session, remove}};

}  // namespace
extern constinit const Routes settings_tokens_entry{kRoutes};
}  // namespace hearth::server::routes
