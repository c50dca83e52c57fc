// GET /api/whoami-v2: who a token belongs to; GET .../auth-check: whether it opens a repository.
// Source: huggingface_hub 2.4.0 HfApi.whoami, auth_check; @huggingface/hub 2.17.5 whoAmI.
#include "base/clock.h"
#include "base/text.h"
#include "hub/object_id.h"
#include "server/account_json.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

Result<Json> auth_json(const Request& rq) {
  const auto& caller = rq.caller();
  if (rq.by_session()) return Json(Json::Object{{"type", "session"}});
  Json token = Json::Object{{"displayName", caller.token_name}, {"role", hub::role_name(caller.role)}};
  if (caller.token_created_ms != 0) token.set("createdAt", iso_time(caller.token_created_ms));
  if (caller.scopes) token.set("fineGrained", TRY(scopes_json(rq.hub(), *caller.scopes)));
  Json out = Json::Object{{"type", "access_token"}, {"accessToken", std::move(token)}};
  if (caller.token_expires_ms) out.set("expiresAt", iso_time(*caller.token_expires_ms));
  return out;
}

Result<Response> whoami(Request& rq) {
  const auto& user = *rq.user();
  Json::Array orgs;
  for (const auto& [org, role] : TRY(hub::orgs_of(rq.hub(), user))) {
    auto item = org_json(rq, org);
    item.set("roleInOrg", hub::role_name(role));
    orgs.push_back(std::move(item));
  }
  return json_response(Json(Json::Object{{"type", "user"},
                                         {"id", hub::object_id_of(user.id)},
                                         {"name", user.name},
                                         {"fullname", shown_name(user)},
                                         {"email", user.email.empty() ? Json() : Json(user.email)},
                                         {"emailVerified", false},
                                         {"canPay", false},
                                         {"periodEnd", nullptr},
                                         {"isPro", false},
                                         {"isAdmin", user.is_admin},
                                         {"avatarUrl", avatar_url(rq, user.name)},
                                         {"orgs", std::move(orgs)},
                                         {"auth", TRY(auth_json(rq))}}));
}

// The row's Access has decided; there is nothing to add.
Result<Response> allowed(Request&) {
  return json_response(Json(Json::Object()));
}

constexpr Route kRoutes[] = {{"GET", "/api/whoami-v2", Access::signed_in, whoami},
                             {"GET", "/api/{kind}/{repo}/auth-check", Access::content, allowed},
                             {"GET", "/api/{kind}/{repo}/auth-check/write", Access::write, allowed}};

}  // namespace
extern constinit const Routes whoami_entry{kRoutes};
}  // namespace hearth::server::routes
