// The signed-in user's own account: password, second factor, sessions, connected applications. Only by the browser's
// session: a token that leaked changes none of it.
// The paths are this hub's own: huggingface.co has pages there, not an API.
#include "base/clock.h"
#include "base/text.h"
#include "hub/oauth.h"
#include "hub/totp.h"
#include "server/audit.h"
#include "server/qr_code.h"
#include "server/routes_registry.h"

namespace hearth::server::routes {
namespace {

Response done() {
  return json_response(Json(Json::Object()));
}

// Who sits at an open browser knows the password still: asked before what keeps others out is changed.
Status check_password(Request& rq, std::string_view password) {
  const auto& name = rq.user()->name;
  TRY(hub::check_login_allowed(rq.hub(), name, rq.client_address()));
  const auto user = rq.hub().accounts().login(name, password);
  if (user.ok()) return {};
  if (user.status().code() != Code::unauthenticated) return user.status().clone();
  TRY(hub::record_login_failure(rq.hub(), name, rq.client_address()));
  audit_as(rq, *rq.user(), "user.login_failed", Json::Object{{"step", "settings"}});
  return Status(Code::forbidden, "the password is wrong");
}

Result<Response> change_password(Request& rq) {
  const auto body = TRY(rq.json());
  TRY(check_password(rq, body["password"].as_string()));
  auto& accounts = rq.hub().accounts();
  TRY(accounts.set_password(rq.user()->name, body["newPassword"].as_string()));
  TRY(accounts.revoke_sessions(*rq.user(), rq.caller().session_id));  // whoever else is signed in is signed out
  return done();
}

Result<Response> totp_state(Request& rq) {
  const auto enabled = TRY(hub::has_totp(rq.hub(), *rq.user()));
  return json_response(Json(Json::Object{{"enabled", enabled}}));
}

Result<Response> enrol(Request& rq) {
  TRY(check_password(rq, TRY(rq.json())["password"].as_string()));
  const auto made = TRY(hub::enrol_totp(rq.hub(), *rq.user(), cat("Hearth ", rq.header("host"))));
  return json_response(Json(Json::Object{{"secret", made.secret}, {"uri", made.uri}, {"qr", TRY(qr_svg(made.uri))}}));
}

Result<Response> confirm(Request& rq) {
  const auto& name = rq.user()->name;
  TRY(hub::check_login_allowed(rq.hub(), name, rq.client_address()));
  const auto codes = hub::confirm_totp(rq.hub(), *rq.user(), TRY(rq.json())["code"].as_string());
  if (!codes.ok()) {
    if (codes.status().code() != Code::unauthenticated) return codes.status().clone();
    TRY(hub::record_login_failure(rq.hub(), name, rq.client_address()));
    return Status(Code::forbidden, std::string(codes.status().message()));
  }
  Json::Array out(codes->begin(), codes->end());
  return json_response(Json(Json::Object{{"recoveryCodes", std::move(out)}}));
}

Result<Response> remove_totp(Request& rq) {
  TRY(check_password(rq, TRY(rq.json())["password"].as_string()));
  TRY(hub::reset_totp(rq.hub(), *rq.user()));
  return done();
}

Result<Response> sessions(Request& rq) {
  Json::Array out;
  for (const auto& session : TRY(rq.hub().accounts().sessions(*rq.user())))
    out.push_back(Json::Object{{"id", session.id},
                               {"current", session.id == rq.caller().session_id},
                               {"createdAt", iso_time(session.created_ms)},
                               {"lastUsedAt", iso_time(session.used_ms)},
                               {"expiresAt", iso_time(session.expires_ms)},
                               {"address", session.origin.address},
                               {"agent", session.origin.agent}});
  return json_response(Json(std::move(out)));
}

Result<Response> end_session(Request& rq) {
  TRY(rq.hub().accounts().revoke_session(*rq.user(), rq.arg("id")));
  return done();
}

Result<Response> end_other_sessions(Request& rq) {
  TRY(rq.hub().accounts().revoke_sessions(*rq.user(), rq.caller().session_id));
  return done();
}

Result<Response> applications(Request& rq) {
  Json::Array out;
  for (const auto& grant : TRY(hub::grants_to_apps(rq.hub(), *rq.user())))
    out.push_back(Json::Object{{"id", grant.id},
                               {"clientId", grant.client_id},
                               {"name", grant.app},
                               {"scopes", grant.scopes},
                               {"orgs", Json::Array(grant.orgs.begin(), grant.orgs.end())},
                               {"createdAt", iso_time(grant.created_ms)},
                               {"lastUsedAt", iso_time(grant.used_ms)}});
  return json_response(Json(std::move(out)));
}

Result<Response> revoke_application(Request& rq) {
  const auto id = parse_int(rq.arg("id")).value_or(0);
  for (const auto& grant : TRY(hub::grants_to_apps(rq.hub(), *rq.user())))
    if (grant.id == id)
      rq.audit() = {.target = cat("application ", grant.app), .data = Json::Object{{"scopes", grant.scopes}}};
  TRY(hub::revoke_grant(rq.hub(), *rq.user(), id));
  return done();
}

constexpr Route kRoutes[] = {
    {"POST", "/api/settings/password", Access::session, change_password},
    {"GET", "/api/settings/totp", Access::session, totp_state},
    {"POST", "/api/settings/totp", Access::session, enrol},
    {"POST", "/api/settings/totp/confirm", Access::session, confirm},
    {"DELETE", "/api/settings/totp", Access::session, remove_totp},
    {"GET", "/api/settings/sessions", Access::session, sessions},
    {"DELETE", "/api/settings/sessions", Access::session, end_other_sessions},
    {"DELETE", "/api/settings/sessions/{id}", Access::session, end_session},
    {"GET", "/api/settings/applications", Access::session, applications},
    {"DELETE", "/api/settings/applications/{id}", Access::session, revoke_application},
};

}  // namespace
extern constinit const Routes account_entry{kRoutes};
}  // namespace hearth::server::routes
