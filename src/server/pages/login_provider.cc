// GET /login/with/{provider}: off to an outside OpenID provider; GET /login/with/{provider}/callback: back from it.
//
// What must come back unchanged (state, nonce, PKCE verifier, where to go) waits in a cookie of ten minutes that this
// hub signed and scripts cannot read: a callback in another browser, or one that was not asked for, finds none. Source:
// OpenID Connect Core 1.0 section 3.1, OpenID Connect Discovery 1.0 section 4, RFC 7636, RFC 9700 section 4.7.
#include "hub/login_provider.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "hub/jwt.h"
#include "server/audit.h"
#include "server/begin_session.h"
#include "server/oauth_key.h"
#include "server/openid_client.h"
#include "server/pages_registry.h"
#include "server/services.h"

namespace hearth::server::pages {
namespace {

constexpr std::string_view kCookie = "hearth_login";
constexpr int64_t kJourneyMs = 10 * 60 * 1000;

struct Journey {
  std::string state, nonce, verifier, next;
};

std::string callback_address(const Request& rq, const hub::LoginProvider& provider) {
  return cat(rq.endpoint(), "/login/with/", provider.name, "/callback");
}

// "state.nonce.verifier.next.expires.signature", each part of letters that a cookie may hold.
std::string pack(const Request& rq, const hub::LoginProvider& provider, const Journey& journey) {
  const auto text = cat(journey.state, ".", journey.nonce, ".", journey.verifier, ".", hub::to_base64url(journey.next));
  const auto expires = now_ms() + kJourneyMs;
  return cat(text, ".", expires, ".",
             rq.services().signer.sign(cat("sign-in with ", provider.name, " ", text), expires));
}

std::optional<Journey> unpack(const Request& rq, const hub::LoginProvider& provider) {
  const auto cookie = net::cookie(rq.head().headers, kCookie);
  const auto parts = split(cookie, '.');
  if (parts.size() != 6) return std::nullopt;
  const auto text = cookie.substr(0, cookie.size() - parts[4].size() - parts[5].size() - 2);
  if (!rq.services().signer.good(cat("sign-in with ", provider.name, " ", text), parse_int(parts[4]).value_or(0),
                                 parts[5]))
    return std::nullopt;
  return Journey{std::string(parts[0]), std::string(parts[1]), std::string(parts[2]),
                 hub::from_base64url(parts[3]).value_or("/")};
}

void set_cookie(Request& rq, Response& response, std::string_view value, int64_t age_s) {
  const auto secure = rq.endpoint().starts_with("https:") ? "; Secure" : "";
  response.headers.add("Set-Cookie",
                       cat(kCookie, "=", value, "; Path=/login; HttpOnly; SameSite=Lax; Max-Age=", age_s, secure));
}

Result<Response> leave(Request& rq) {
  const auto provider = TRY(hub::find_login_provider(rq.hub(), rq.arg("provider")));
  const auto found = TRY(discover_openid(provider.issuer, rq.stop()));
  const Journey journey{random_token(32), random_token(32), random_token(64), safe_next(rq.query("next"))};
  const std::string address(found["authorization_endpoint"].as_string());
  auto out =
      redirect(cat(address, contains(address, "?") ? "&" : "?", "response_type=code&client_id=",
                   percent_encode(provider.client_id), "&redirect_uri=", percent_encode(callback_address(rq, provider)),
                   "&scope=", percent_encode(provider.scopes), "&state=", journey.state, "&nonce=", journey.nonce,
                   "&code_challenge=", hub::to_base64url(sha256(journey.verifier)), "&code_challenge_method=S256"),
               303);
  set_cookie(rq, out, pack(rq, provider, journey), kJourneyMs / 1000);
  return out;
}

// The claims of the provider's id token, checked in every respect.
Result<Json> exchange(Request& rq, const hub::LoginProvider& provider, const Journey& journey) {
  const auto found = TRY(discover_openid(provider.issuer, rq.stop()));
  net::ClientRequest request{.method = "POST", .url = std::string(found["token_endpoint"].as_string())};
  request.headers.set("Content-Type", "application/x-www-form-urlencoded");
  auto form =
      cat("grant_type=authorization_code&code=", percent_encode(rq.query("code")),
          "&redirect_uri=", percent_encode(callback_address(rq, provider)), "&code_verifier=", journey.verifier);
  if (provider.client_secret.empty())
    form += cat("&client_id=", percent_encode(provider.client_id));
  else
    request.headers.set(
        "Authorization",
        cat("Basic ", to_base64(cat(percent_encode(provider.client_id), ":", percent_encode(provider.client_secret)))));
  request.body = std::move(form);
  const auto answer = TRY(ask_openid(std::move(request), "token endpoint", rq.stop()));
  const auto token = hub::parse_jwt(answer["id_token"].as_string());
  if (!token.ok()) return Status(Code::unauthenticated, cat("the provider's id token: ", token.status().message()));
  const auto keys = TRY(ask_openid({.url = std::string(found["jwks_uri"].as_string())}, "keys", rq.stop()));
  TRY(hub::check_signature(*token, keys));
  TRY(hub::check_claims(
      token->claims,
      {.issuer = provider.issuer, .audience = provider.client_id, .nonce = journey.nonce, .now_ms = now_ms()}));
  return token->claims;
}

Result<Response> come_back(Request& rq) {
  const auto provider = TRY(hub::find_login_provider(rq.hub(), rq.arg("provider")));
  const auto journey = unpack(rq, provider);
  if (!journey || !equal_constant_time(journey->state, rq.query("state")))
    return Status(Code::forbidden,
                  "This sign-in did not begin in this browser, or took longer than ten minutes. Sign in again.");
  if (const auto error = rq.query("error"); !error.empty())
    return Status(Code::forbidden, cat(provider.label, " did not sign you in: ", printable(error.substr(0, 100)), " ",
                                       printable(rq.query("error_description").substr(0, 300))));
  const auto claims = TRY(exchange(rq, provider, *journey));
  const auto user = hub::user_of_claims(rq.hub(), provider, claims);
  if (!user.ok()) {
    audit_stranger(rq, "user.login_failed", Json::Object{{"step", "provider"}, {"provider", provider.name}});
    return user.status().clone();
  }
  auto out = TRY(begin_session(rq, *user, journey->next, cat("provider ", provider.name)));
  set_cookie(rq, out, "", 0);
  return out;
}

constexpr Route kRoutes[] = {
    {"GET", "/login/with/{provider}", Access::open, leave},
    {"GET", "/login/with/{provider}/callback", Access::open, come_back},
};

}  // namespace
extern constinit const Routes login_provider_entry{kRoutes};
}  // namespace hearth::server::pages
