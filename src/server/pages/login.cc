// GET /login (a form, or a one-time link), POST /login (name and password), POST /logout: the browser's session.
//
// The session is a cookie that scripts cannot read and other sites cannot send along; forms are same-site for that
// reason.
#include "base/text.h"
#include "server/origin.h"
#include "server/page_data.h"
#include "server/pages_registry.h"

namespace hearth::server::pages {
namespace {

constexpr std::string_view kCookie = "hearth_session=";
constexpr std::string_view kCookieRules = "; Path=/; HttpOnly; SameSite=Lax";

Result<Response> begin_session(Request& rq, const hub::User& user) {
  const auto secret = TRY(rq.hub().accounts().create_session(
      user, {.address = rq.client_address(), .agent = std::string(rq.header("User-Agent"))}));
  auto out = redirect("/", 303);
  const auto secure = rq.endpoint().starts_with("https:") ? "; Secure" : "";
  out.headers.set("Set-Cookie", cat(kCookie, secret, kCookieRules, "; Max-Age=2592000", secure));
  return out;
}

Response login_page(Request& rq, std::string_view message) {
  Shell shell;
  shell.title = "Sign in";
  shell.description = "Sign in to this hub.";
  shell.data = page_data(rq, "login");
  shell.data.set("message", message);
  return page_response(rq, std::move(shell));
}

Result<Response> show(Request& rq) {
  const auto secret = rq.query("token");
  if (secret.empty()) return login_page(rq, "");
  const auto user = rq.hub().accounts().use_login_link(secret);
  if (!user.ok() && user.status().code() != Code::unauthenticated) return user.status().clone();
  if (!user.ok())
    return login_page(
        rq, "This link was used already, or is older than half an hour. `hearth admin login-link` makes a new one.");
  return begin_session(rq, *user);
}

Result<Response> sign_in(Request& rq) {
  // Nobody is signed in by a page of another site as somebody whom they did not choose.
  if (rq.head().headers.has("Origin")) TRY(check_origin(rq.head(), {}));
  const auto form = TRY(parse_query(rq.body()));
  std::string_view name, password;
  for (const auto& [key, value] : form) {
    if (key == "username") name = value;
    if (key == "password") password = value;
  }
  const auto user = rq.hub().accounts().login(name, password);
  if (!user.ok() && user.status().code() != Code::unauthenticated) return user.status().clone();
  if (!user.ok()) {
    auto out = login_page(rq, "The name or the password is wrong.");
    out.status = 401;
    return out;
  }
  return begin_session(rq, *user);
}

Result<Response> sign_out(Request& rq) {
  if (const auto secret = net::cookie(rq.head().headers, "hearth_session"); !secret.empty())
    TRY(rq.hub().accounts().end_session(secret));
  auto out = redirect("/", 303);
  out.headers.set("Set-Cookie", cat(kCookie, kCookieRules, "; Max-Age=0"));
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
