#include "server/begin_session.h"

#include "base/text.h"
#include "server/audit.h"
#include "server/oauth_key.h"

namespace hearth::server {
namespace {

constexpr std::string_view kCookie = "hearth_session=";
constexpr std::string_view kCookieRules = "; Path=/; HttpOnly; SameSite=Lax";

}  // namespace

Result<Response> begin_session(Request& rq, const hub::User& user, std::string_view next, std::string_view how) {
  const auto secret = TRY(rq.hub().accounts().create_session(
      user, {.address = rq.client_address(), .agent = std::string(rq.header("User-Agent"))}));
  audit_as(rq, user, "user.login", Json::Object{{"with", how}});
  auto out = redirect(safe_next(next), 303);
  const auto secure = rq.endpoint().starts_with("https:") ? "; Secure" : "";
  out.headers.set("Set-Cookie", cat(kCookie, secret, kCookieRules, "; Max-Age=2592000", secure));
  return out;
}

std::string no_session_cookie() {
  return cat(kCookie, kCookieRules, "; Max-Age=0");
}

}  // namespace hearth::server
