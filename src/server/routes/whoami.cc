// GET /api/whoami-v2: who a token belongs to; GET .../auth-check: whether it opens a repository.
// Source: huggingface_hub 2.4.0 HfApi.whoami, auth_check; @huggingface/hub 2.17.5 whoAmI.
#include "base/clock.h"
#include "base/text.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

Result<Response> whoami(Request& rq) {
  const auto& caller = rq.caller();
  const auto& user = *caller.user;
  Json token = Json::Object{{"displayName", caller.token_name}, {"role", hub::role_name(caller.role)}};
  if (caller.token_created_ms != 0) token.set("createdAt", iso_time(caller.token_created_ms));
  return json_response(Json(Json::Object{
      {"type", "user"},
      {"id", cat(user.id)},
      {"name", user.name},
      {"fullname", user.fullname.empty() ? user.name : user.fullname},
      {"email", user.email.empty() ? Json() : Json(user.email)},
      {"emailVerified", false},
      {"canPay", false},
      {"periodEnd", nullptr},
      {"isPro", false},
      {"isAdmin", user.is_admin},
      {"avatarUrl", ""},
      {"orgs", Json::Array()},
      {"auth", rq.by_session() ? Json(Json::Object{{"type", "session"}})
                               : Json(Json::Object{{"type", "access_token"}, {"accessToken", std::move(token)}})}}));
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
