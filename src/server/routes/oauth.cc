// The provider's side that applications talk to: discovery, keys, tokens, devices, registration, user info.
// Source: OpenID Connect Discovery 1.0, RFC 8414, RFC 6749 section 3.2, RFC 7009, RFC 7591, RFC 8628 section 3.1;
// RFC 8693, hub-docs trusted-publishers.md and huggingface_hub 2.4.0 _oidc.py (the exchange); its
// utils/_oauth_device.py; @huggingface/hub 2.17.5 oauthLoginUrl, oauthHandleRedirect.
#include "hub/oauth.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/publishers.h"
#include "server/audit.h"
#include "server/ingress.h"
#include "server/oauth_key.h"
#include "server/openid_client.h"
#include "server/routes_registry.h"
#include "server/services.h"

namespace hearth::server::routes {
namespace {

constexpr std::string_view kDeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
constexpr std::string_view kExchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";
constexpr std::string_view kIdTokenType = "urn:ietf:params:oauth:token-type:id_token";
constexpr std::string_view kAccessTokenType = "urn:ietf:params:oauth:token-type:access_token";
constexpr int64_t kIdTokenS = 3600;

// Parameters of a form or, as some clients send them, of a JSON object.
struct Form {
  Parameters pairs;
  std::string get(std::string_view name) const {
    for (const auto& [key, value] : pairs)
      if (key == name) return value;
    return {};
  }
};

Result<Form> read_form(const Request& rq) {
  Form out;
  if (!rq.header("content-type").starts_with("application/json")) {
    out.pairs = TRY(parse_query(rq.body()));
    return out;
  }
  const auto body = TRY(rq.json());
  for (const auto& [name, value] : body.object())
    if (value.is_string()) out.pairs.emplace_back(name, value.as_string());
  return out;
}

// The client's id and secret: HTTP Basic (each percent-encoded, RFC 6749 section 2.3.1) or parameters.
struct Client {
  std::string id, secret;
};
Result<Client> read_client(const Request& rq, const Form& form) {
  const auto authorization = rq.header("authorization");
  if (!authorization.starts_with("Basic ")) return Client{form.get("client_id"), form.get("client_secret")};
  const auto pair = from_base64(authorization.substr(6));
  const auto colon = pair.ok() ? pair->find(':') : std::string::npos;
  if (colon == std::string::npos)
    return Status(Code::unauthenticated, "invalid_client: the Authorization header is no Basic pair");
  auto id = TRY(percent_decode(pair->substr(0, colon), /*plus_is_space=*/true));
  auto secret = TRY(percent_decode(pair->substr(colon + 1), /*plus_is_space=*/true));
  return Client{std::move(id), std::move(secret)};
}

Response no_store(Response response) {
  response.headers.set("Cache-Control", "no-store");
  response.headers.set("Pragma", "no-cache");
  return response;
}

// {"error", "error_description"}: RFC 6749 section 5.2. What is no answer to the client stays a failure of the hub.
Result<Response> oauth_error(const Status& status) {
  const auto& row = code_row(status.code());
  if (row.http_status >= 500 || status.code() == Code::busy) return status.clone();
  const std::string_view message = status.message();
  const auto colon = message.find(": ");
  const bool named = colon != std::string_view::npos && message.find(' ') > colon;
  auto out = json_response(Json(Json::Object{{"error", named ? message.substr(0, colon) : "invalid_request"},
                                             {"error_description", named ? message.substr(colon + 2) : message}}),
                           status.code() == Code::unauthenticated ? 401 : 400);
  if (out.status == 401) out.headers.set("WWW-Authenticate", "Basic realm=\"applications of this hub\"");
  return no_store(std::move(out));
}

Result<Response> token_response(const Request& rq, const hub::OAuthTokens& tokens) {
  Json out = Json::Object{{"access_token", tokens.access_token},
                          {"token_type", "bearer"},
                          {"expires_in", tokens.expires_s},
                          {"refresh_token", tokens.refresh_token},
                          {"scope", tokens.scopes}};
  if (hub::has_scope(tokens.scopes, "openid")) {
    auto claims = TRY(user_claims(rq, tokens.user, tokens.scopes, tokens.orgs));
    const auto now = now_ms() / 1000;
    claims.set("iss", rq.endpoint());
    claims.set("aud", tokens.app.client_id);
    claims.set("iat", now);
    claims.set("exp", now + kIdTokenS);
    claims.set("auth_time", tokens.signed_in_ms / 1000);
    if (!tokens.nonce.empty()) claims.set("nonce", tokens.nonce);
    out.set("id_token", TRY(TRY(oauth_key(rq.hub())).sign(claims)));
  }
  return no_store(json_response(out));
}

Result<hub::OAuthTokens> issue(Request& rq, const Form& form) {
  const auto client = TRY(read_client(rq, form));
  const auto type = form.get("grant_type");
  if (type == "authorization_code")
    return hub::use_code(rq.hub(), {.code = form.get("code"),
                                    .redirect_uri = form.get("redirect_uri"),
                                    .verifier = form.get("code_verifier"),
                                    .client_id = client.id,
                                    .secret = client.secret});
  if (type == "refresh_token")
    return hub::use_refresh_token(rq.hub(), form.get("refresh_token"), client.id, client.secret);
  if (type == kDeviceGrant) return hub::poll_device(rq.hub(), form.get("device_code"), client.id, client.secret);
  return Status(Code::bad_input,
                cat("unsupported_grant_type: '", type.substr(0, 80),
                    "' is not known (authorization_code, refresh_token, ", kDeviceGrant, ", ", kExchangeGrant, ")"));
}

// Which check failed is for the log: a stranger's guesses get one answer.
Status no_publisher(const Request& rq, std::string_view why) {
  log(LogLevel::info, "publishers", cat("no token for ", rq.client_address(), ": ", printable(why.substr(0, 300))));
  return Status(Code::bad_input,
                "invalid_grant: no trusted publisher of this resource fits the identity token, or the token is not "
                "good: its signature, time, audience and claims are compared");
}

// The publisher whose job shows this identity token.
Result<hub::Publisher> find_publisher(const Request& rq, std::string_view resource, std::string_view subject_token) {
  const auto token = hub::parse_jwt(subject_token);
  if (!token.ok()) return no_publisher(rq, token.status().message());
  const auto issuer = token->claims["iss"].as_string();
  auto known = hub::publishers_of(rq.hub(), resource, issuer);
  if (!known.ok() && known.status().code() == Code::bad_input)
    return Status(Code::bad_input, cat("invalid_request: resource: ", known.status().message()));
  const auto publishers = TRY(std::move(known));
  if (publishers.empty()) return no_publisher(rq, cat("no publisher of ", resource, " with issuer ", issuer));
  // An issuer that is set up here is asked for its keys; whoever set it up may be anybody with a repository.
  const bool public_only = !rq.services().private_webhooks;
  const auto found = discover_openid(issuer, rq.stop(), public_only);
  if (!found.ok()) return no_publisher(rq, found.status().message());
  const auto keys =
      ask_openid({.url = std::string((*found)["jwks_uri"].as_string()), .public_only = public_only}, "keys", rq.stop());
  if (!keys.ok()) return no_publisher(rq, keys.status().message());
  if (const auto good = hub::check_signature(*token, *keys); !good.ok()) return no_publisher(rq, good.message());
  const auto good =
      hub::check_claims(token->claims, {.issuer = std::string(issuer), .audience = rq.endpoint(), .now_ms = now_ms()});
  if (!good.ok()) return no_publisher(rq, good.message());
  for (const auto& publisher : publishers)
    if (hub::claims_match(publisher, token->claims)) return publisher;
  return no_publisher(rq, "its claims are those of no publisher");
}

Result<Response> exchange(Request& rq, const Form& form) {
  if (form.get("subject_token_type") != kIdTokenType)
    return Status(Code::bad_input, cat("invalid_request: subject_token_type must be ", kIdTokenType));
  const auto resource = form.get("resource"), subject_token = form.get("subject_token");
  if (resource.empty() || subject_token.empty())
    return Status(Code::bad_input, "invalid_request: send subject_token and resource");
  const auto* ingress = rq.services().ingress;
  if (!rq.services().on_loopback && !(ingress && ingress->names_itself()))
    return Status(Code::bad_input,
                  "invalid_request: this hub must say its own address (--public-url) before it compares the audience "
                  "of identity tokens with it");
  const auto publisher = TRY(find_publisher(rq, resource, subject_token));
  const auto job = TRY(hub::parse_jwt(subject_token));
  const auto subject = job.claims["sub"].as_string();
  const auto given = TRY(hub::give_publisher_token(rq.hub(), publisher, subject));
  audit_as(rq, given.user, "user.token.exchange", Json::Object{{"issuer", publisher.issuer}, {"subject", subject}},
           resource, "publisher");
  return no_store(json_response(Json(Json::Object{{"access_token", given.token},
                                                  {"token_type", "bearer"},
                                                  {"expires_in", given.expires_s},
                                                  {"issued_token_type", kAccessTokenType}})));
}

Result<Response> token(Request& rq) {
  const auto form = read_form(rq);
  if (!form.ok()) return oauth_error(form.status());
  if (form->get("grant_type") == kExchangeGrant) {
    auto given = exchange(rq, *form);
    return given.ok() ? std::move(given) : oauth_error(given.status());
  }
  const auto tokens = issue(rq, *form);
  return tokens.ok() ? token_response(rq, *tokens) : oauth_error(tokens.status());
}

Result<Response> revoke(Request& rq) {
  const auto form = TRY(read_form(rq));
  const auto client = read_client(rq, form);
  if (!client.ok()) return oauth_error(client.status());
  // Whoever holds a token may end it; a client that names itself must be itself.
  if (!client->id.empty()) {
    const auto app = hub::find_oauth_app(rq.hub(), client->id);
    const auto good = app.ok() ? hub::check_oauth_secret(rq.hub(), *app, client->secret)
                               : Status(Code::unauthenticated, "invalid_client: the client is not known");
    if (!good.ok()) return oauth_error(good);
  }
  TRY(hub::revoke_oauth_token(rq.hub(), form.get("token")));
  return no_store(json_response(Json(Json::Object())));
}

Result<Response> device(Request& rq) {
  const auto form = TRY(read_form(rq));
  const auto client = read_client(rq, form);
  if (!client.ok()) return oauth_error(client.status());
  const auto app = hub::find_oauth_app(rq.hub(), client->id);
  if (!app.ok())
    return app.status().code() == Code::not_found
               ? oauth_error(Status(Code::unauthenticated, "invalid_client: the client id is not known here"))
               : oauth_error(app.status());
  if (const auto good = hub::check_oauth_secret(rq.hub(), *app, client->secret); !good.ok()) return oauth_error(good);
  const auto made = TRY(hub::start_device(rq.hub(), *app, form.get("scope")));
  const auto page = cat(rq.endpoint(), "/oauth/device");
  return no_store(
      json_response(Json(Json::Object{{"device_code", made.device_code},
                                      {"user_code", made.user_code},
                                      {"verification_uri", page},
                                      {"verification_uri_complete", cat(page, "?user_code=", made.user_code)},
                                      {"expires_in", made.expires_s},
                                      {"interval", made.interval_s}})));
}

Json texts(const Json& list, std::initializer_list<std::string_view> otherwise) {
  if (list.is_array()) return list;
  Json::Array out;
  for (const auto text : otherwise) out.emplace_back(text);
  return out;
}

Result<Response> register_client(Request& rq) {
  const auto body = TRY(rq.json());
  hub::NewOAuthApp wanted{.name = std::string(body["client_name"].as_string("A registered application")),
                          .redirect_uris = {},
                          .scopes = {},
                          .is_public = body["token_endpoint_auth_method"].as_string() == "none",
                          .dynamic = true};
  for (const auto& uri : body["redirect_uris"].array()) wanted.redirect_uris.emplace_back(uri.as_string());
  for (const auto name : split(body["scope"].as_string("openid profile"), ' '))
    for (const auto& scope : hub::oauth_scopes())  // unknown ones are left out: RFC 7591 section 2
      if (scope.name == name) wanted.scopes += cat(wanted.scopes.empty() ? "" : " ", name);
  const auto made = hub::create_oauth_app(rq.hub(), wanted);
  if (!made.ok()) {
    if (made.status().code() != Code::bad_input) return made.status().clone();
    const bool uris = contains(made.status().message(), "redirect");
    return oauth_error(Status(
        Code::bad_input, cat(uris ? "invalid_redirect_uri: " : "invalid_client_metadata: ", made.status().message())));
  }
  Json::Array uris;
  for (const auto& uri : made->app.redirect_uris) uris.emplace_back(uri);
  Json out = Json::Object{{"client_id", made->app.client_id},
                          {"client_id_issued_at", now_ms() / 1000},
                          {"client_name", made->app.name},
                          {"redirect_uris", std::move(uris)},
                          {"grant_types", texts(body["grant_types"], {"authorization_code", "refresh_token"})},
                          {"response_types", texts(body["response_types"], {"code"})},
                          {"scope", made->app.scopes},
                          {"token_endpoint_auth_method", wanted.is_public ? "none" : "client_secret_basic"}};
  if (!made->secret.empty()) {
    out.set("client_secret", made->secret);
    out.set("client_secret_expires_at", 0);
  }
  return no_store(json_response(out, 201));
}

Result<Response> userinfo(Request& rq) {
  hub::OAuthGiven given;
  if (rq.caller().token_id != 0) given = TRY(hub::given_to_token(rq.hub(), rq.caller().token_id));
  if (given.scopes.empty()) given.scopes = "openid profile email";  // an ordinary token says as much as whoami does
  return no_store(json_response(TRY(user_claims(rq, *rq.user(), given.scopes, given.orgs))));
}

Result<Response> metadata(Request& rq) {
  const auto endpoint = rq.endpoint();
  Json::Array scopes;
  for (const auto& scope : hub::oauth_scopes()) scopes.emplace_back(scope.name);
  return json_response(Json(Json::Object{
      {"issuer", endpoint},
      {"authorization_endpoint", cat(endpoint, "/oauth/authorize")},
      {"token_endpoint", cat(endpoint, "/oauth/token")},
      {"userinfo_endpoint", cat(endpoint, "/oauth/userinfo")},
      {"jwks_uri", cat(endpoint, "/oauth/jwks")},
      {"registration_endpoint", cat(endpoint, "/oauth/register")},
      {"revocation_endpoint", cat(endpoint, "/oauth/revoke")},
      {"device_authorization_endpoint", cat(endpoint, "/oauth/device")},
      {"scopes_supported", std::move(scopes)},
      {"response_types_supported", Json::Array{"code"}},
      {"response_modes_supported", Json::Array{"query"}},
      {"grant_types_supported", Json::Array{"authorization_code", "refresh_token", kDeviceGrant, kExchangeGrant}},
      {"subject_types_supported", Json::Array{"public"}},
      {"id_token_signing_alg_values_supported", Json::Array{"RS256"}},
      {"token_endpoint_auth_methods_supported", Json::Array{"client_secret_basic", "client_secret_post", "none"}},
      {"code_challenge_methods_supported", Json::Array{"S256"}},
      {"claims_supported",
       Json::Array{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "name", "preferred_username", "profile",
                   "picture", "website", "email", "email_verified", "isPro", "orgs"}},
  }));
}

Result<Response> keys(Request& rq) {
  return json_response(TRY(oauth_key(rq.hub())).key_set());
}

constexpr Route kRoutes[] = {
    {"GET", "/.well-known/openid-configuration", Access::open, metadata},
    {"GET", "/.well-known/oauth-authorization-server", Access::open, metadata},
    {"GET", "/oauth/jwks", Access::open, keys},
    {"POST", "/oauth/token", Access::application, token},
    {"POST", "/oauth/revoke", Access::application, revoke},
    {"POST", "/oauth/device", Access::application, device},
    {"POST", "/oauth/register", Access::application, register_client},
    {"GET", "/oauth/userinfo", Access::signed_in, userinfo},
    {"POST", "/oauth/userinfo", Access::signed_in, userinfo},
};

}  // namespace
extern constinit const Routes oauth_entry{kRoutes};
}  // namespace hearth::server::routes
