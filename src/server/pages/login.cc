// GET /login (a form, or a one-time link), POST /login (name and password, then the second factor), POST /logout: the
// browser's session.
//
// Between the two steps the page holds a signed proof, good for five minutes, that the password was right.
// The session is a cookie that scripts cannot read and other sites cannot send along; forms are same-site for that
// reason.
#include "base/clock.h"
#include "base/text.h"
#include "hub/login_provider.h"
#include "hub/totp.h"
#include "server/audit.h"
#include "server/begin_session.h"
#include "server/oauth_key.h"
#include "server/origin.h"
#include "server/page_data.h"
#include "server/pages_registry.h"
#include "server/services.h"

namespace hearth::server::pages {
namespace {

constexpr int64_t kProofMs = 5 * 60 * 1000;
constexpr size_t kNameMax = 100;  // of what is shown again

struct Form {
  std::string username, password, next, proof, expires, code;
};

Result<Form> read_form(const Request& rq) {
  Form out;
  for (auto& [key, value] : TRY(parse_query(rq.body()))) {
    for (auto [name, field] : {std::pair("username", &out.username),
                               {"password", &out.password},
                               {"next", &out.next},
                               {"proof", &out.proof},
                               {"expires", &out.expires},
                               {"code", &out.code}})
      if (key == name) *field = value;
  }
  return out;
}

Result<Response> login_page(Request& rq, std::string_view message, std::string_view next,
                            std::string_view username = {}) {
  Shell shell;
  shell.title = "Sign in";
  shell.description = "Sign in to this hub.";
  shell.data = page_data(rq, "login");
  shell.data.set("message", message);
  shell.data.set("next", next.empty() ? "" : safe_next(next));
  if (username.size() <= kNameMax && is_utf8(username)) shell.data.set("username", username);
  Json::Array providers;
  for (const auto& provider : TRY(hub::list_login_providers(rq.hub())))
    providers.push_back(Json::Object{{"name", provider.name}, {"label", provider.label}});
  shell.data.set("providers", std::move(providers));
  return page_response(rq, std::move(shell));
}

std::string proof_text(std::string_view user) {
  return cat("password of ", to_lower_ascii(user), " was right");
}

// The second step: the same page, asking for the code.
Result<Response> code_page(Request& rq, const hub::User& user, std::string_view message, std::string_view next) {
  const auto expires = now_ms() + kProofMs;
  Shell shell;
  shell.title = "Second factor";
  shell.description = "Sign in to this hub.";
  shell.data = page_data(rq, "login");
  shell.data.set("message", message);
  shell.data.set("next", next.empty() ? "" : safe_next(next));
  shell.data.set("second", Json::Object{{"username", user.name},
                                        {"expires", cat(expires)},
                                        {"proof", rq.services().signer.sign(proof_text(user.name), expires)}});
  return page_response(rq, std::move(shell));
}

Result<Response> show(Request& rq) {
  const auto secret = rq.query("token");
  if (secret.empty()) return login_page(rq, "", rq.query("next"));
  const auto user = rq.hub().accounts().use_login_link(secret);
  if (!user.ok() && user.status().code() != Code::unauthenticated) return user.status().clone();
  if (!user.ok())
    return login_page(
        rq, "This link was used already, or is older than half an hour. `hearth admin login-link` makes a new one.",
        {});
  return begin_session(rq, *user, rq.query("next"), "link");
}

Result<Response> refused(Result<Response> page, int status) {
  if (page.ok()) page->status = status;
  return page;
}

Result<Response> wrong(Request& rq, const Form& form) {
  TRY(hub::record_login_failure(rq.hub(), form.username, rq.client_address()));
  if (const auto known = rq.hub().accounts().user(form.username); known.ok())
    audit_as(rq, *known, "user.login_failed", Json::Object{{"step", "password"}});
  else
    audit_stranger(rq, "user.login_failed", Json::Object{{"step", "name"}});
  return refused(login_page(rq, "The name or the password is wrong.", form.next, form.username), 401);
}

// The user whose password this form, or the step before it, has shown.
Result<hub::User> first_factor(Request& rq, const Form& form) {
  if (form.proof.empty()) return rq.hub().accounts().login(form.username, form.password);
  if (!rq.services().signer.good(proof_text(form.username), parse_int(form.expires).value_or(0), form.proof))
    return Status(Code::unauthenticated, "the sign-in took too long; begin again");
  return rq.hub().accounts().user(form.username);
}

Result<Response> sign_in(Request& rq) {
  // Nobody is signed in by a page of another site as somebody whom they did not choose.
  if (rq.head().headers.has("Origin")) TRY(check_origin(rq.head(), {}));
  const auto form = TRY(read_form(rq));
  if (const auto allowed = hub::check_login_allowed(rq.hub(), form.username, rq.client_address()); !allowed.ok()) {
    if (allowed.code() != Code::busy) return allowed.clone();
    return refused(login_page(rq, "Too many sign-ins have failed. Try again in a quarter of an hour.", form.next), 429);
  }
  const auto user = first_factor(rq, form);
  if (!user.ok() && user.status().code() != Code::unauthenticated) return user.status().clone();
  if (!user.ok()) return wrong(rq, form);
  const bool two_steps = TRY(hub::has_totp(rq.hub(), *user));
  if (two_steps) {
    if (form.code.empty()) return code_page(rq, *user, "", form.next);
    const auto second = hub::check_second_factor(rq.hub(), *user, form.code);
    if (!second.ok() && second.code() != Code::unauthenticated) return second.clone();
    if (!second.ok()) {
      TRY(hub::record_login_failure(rq.hub(), user->name, rq.client_address()));
      audit_as(rq, *user, "user.login_failed", Json::Object{{"step", "second factor"}});
      return refused(code_page(rq, *user, "The code is wrong, used or too old.", form.next), 401);
    }
  }
  TRY(hub::forget_login_failures(rq.hub(), user->name));
  return begin_session(rq, *user, form.next, two_steps ? "second factor" : "password");
}

Result<Response> sign_out(Request& rq) {
  if (const auto secret = net::cookie(rq.head().headers, "hearth_session"); !secret.empty())
    TRY(rq.hub().accounts().end_session(secret));
  if (rq.by_session()) audit_as(rq, *rq.user(), "user.logout");
  auto out = redirect("/", 303);
  out.headers.set("Set-Cookie", no_session_cookie());
  return out;
}

constexpr Route kRoutes[] = {
    {"GET", "/login", Access::open, show},
    {"POST", "/login", Access::open, sign_in},
    {"POST", "/logout", Access::open, sign_out},
};

}  // namespace
extern constinit const Routes login_entry{kRoutes};
}  // namespace hearth::server::pages
