// GET /oauth/authorize: what an application asks of the signed-in user; GET /oauth/device: the code that a terminal
// shows. POST /oauth/authorize and /oauth/device/decide: the decision, from those pages' script, which then follows the
// answer's address (a form's redirect to another site is what the pages' Content-Security-Policy forbids). Source: RFC
// 6749 section 4.1, RFC 7636 section 4.3, RFC 8628 section 3.3; OpenID Connect Core 1.0 section 3.1.2.
#include "hub/oauth.h"
#include <algorithm>

#include "base/text.h"
#include "hub/object_id.h"
#include "hub/organisations.h"
#include "hub/totp.h"
#include "server/api_json.h"
#include "server/audit.h"
#include "server/oauth_key.h"
#include "server/page_data.h"
#include "server/pages_registry.h"

namespace hearth::server::pages {
namespace {

constexpr size_t kTextMax = 2000;

struct Asked {
  hub::OAuthApp app;
  hub::CodeRequest code;
  std::string state;
  std::vector<int64_t> orgs;  // that the application cannot do without
  bool orgs_known = true;
};

// What is wrong with an application's request, once it is known where to send the user back.
struct Refusal {
  std::string error, why;
};

std::string with_parameters(std::string_view uri, const Parameters& parameters) {
  std::string out(uri);
  for (const auto& [name, value] : parameters) {
    if (value.empty()) continue;
    out += cat(contains(out, "?") ? "&" : "?", name, "=", percent_encode(value));
  }
  return out;
}

std::string space_label(const Request& rq, const hub::OAuthApp& app) {
  if (!app.space_id) return {};
  const auto space = rq.hub().repo_by_number(*app.space_id);
  return space.ok() ? to_lower_ascii(replace_all(cat(space->owner, "-", space->name), "_", "-")) : std::string();
}

// Of a query or a JSON body. A client or address that is not known is told to the user, never followed.
template <class Get>
Result<Asked> read_asked(const Request& rq, Get get) {
  auto app = hub::find_oauth_app(rq.hub(), get("client_id"));
  if (!app.ok())
    return app.status().code() == Code::not_found
               ? Status(Code::bad_input, "The application that sent you here is not known to this hub.")
               : std::move(app).status();
  Asked out{.app = *std::move(app), .code = {}, .state = std::string(get("state"))};
  out.code = {.redirect_uri = std::string(get("redirect_uri")),
              .scopes = hub::allowed_scopes(out.app, get("scope")),
              .challenge = std::string(get("code_challenge")),
              .nonce = std::string(get("nonce"))};
  for (const auto text : split(get("orgIds"), ',')) {
    if (text.empty()) continue;
    const auto id = parse_object_id(text);
    out.orgs_known &= id.has_value();
    if (id) out.orgs.push_back(*id);
  }
  if (!hub::may_redirect(out.app, out.code.redirect_uri, rq.header("host"), space_label(rq, out.app)))
    return Status(Code::bad_input, cat("'", printable(out.code.redirect_uri.substr(0, 300)),
                                       "' is not an address that ", out.app.name, " registered here."));
  return out;
}

template <class Get>
std::optional<Refusal> check_asked(const Asked& asked, Get get) {
  if (get("response_type") != "code") return Refusal{"unsupported_response_type", "response_type must be code"};
  if (const auto method = get("code_challenge_method"); !asked.code.challenge.empty() && method != "S256")
    return Refusal{"invalid_request", "code_challenge_method must be S256"};
  if (asked.app.is_public && asked.code.challenge.empty())
    return Refusal{"invalid_request", "an application without a secret sends code_challenge (PKCE)"};
  if (!asked.orgs_known) return Refusal{"invalid_request", "orgIds are ids of organisations, as userinfo tells them"};
  if (asked.code.scopes.empty()) return Refusal{"invalid_scope", "none of the scopes is this application's"};
  for (const auto& text : {asked.state, asked.code.nonce, asked.code.challenge})
    if (text.size() > kTextMax) return Refusal{"invalid_request", "a parameter is too long"};
  return std::nullopt;
}

std::string refused_address(const Asked& asked, const Refusal& refusal) {
  return with_parameters(asked.code.redirect_uri,
                         {{"error", refusal.error}, {"error_description", refusal.why}, {"state", asked.state}});
}

void audit_grant(Request& rq, const hub::OAuthApp& app, std::string_view scopes, std::string_view by) {
  audit_as(rq, *rq.user(), "user.application.grant", Json::Object{{"scopes", scopes}, {"by", by}},
           cat("application ", app.name));
}

Result<std::string> granted_address(Request& rq, const Asked& asked) {
  const auto code = hub::approve_code(rq.hub(), asked.app, rq.caller(), asked.code);
  if (code.ok()) return with_parameters(asked.code.redirect_uri, {{"code", *code}, {"state", asked.state}});
  if (code.status().code() == Code::forbidden)
    return refused_address(asked, {"access_denied", std::string(code.status().message())});
  return code.status().clone();
}

Json scopes_json(std::string_view scopes) {
  Json::Array out;
  for (const auto& scope : hub::oauth_scopes())
    if (hub::has_scope(scopes, scope.name)) out.push_back(Json::Object{{"name", scope.name}, {"says", scope.says}});
  return out;
}

// The user's organisations, to choose which of them the application may see.
Result<Json> orgs_json(const Request& rq, const Asked& asked, const hub::OAuthGiven& given) {
  const auto among = [](const std::vector<int64_t>& ids, int64_t id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  Json::Array out;
  for (const auto& [org, role] : TRY(hub::orgs_of(rq.hub(), *rq.user())))
    out.push_back(Json::Object{{"id", hub::object_id_of(org.id)},
                               {"name", org.name},
                               {"required", among(asked.orgs, org.id)},
                               {"chosen", among(asked.orgs, org.id) || among(given.orgs, org.id)}});
  return Json(std::move(out));
}

// The choice of the page; nothing when it was not asked to choose.
Result<std::optional<std::vector<int64_t>>> read_choice(const Json& list, const Asked& asked) {
  if (!list.is_array() && asked.orgs.empty()) return std::optional<std::vector<int64_t>>();
  auto out = asked.orgs;
  for (const auto& item : list.array()) {
    const auto id = parse_object_id(item.as_string());
    if (!id) return Status(Code::bad_input, "\"orgs\" are ids of organisations");
    if (std::find(out.begin(), out.end(), *id) == out.end()) out.push_back(*id);
  }
  return std::optional(std::move(out));
}

Response sign_in_first(const Request& rq) {
  return redirect(cat("/login?next=", percent_encode(rq.head().target)), 303);
}

Result<Response> authorize(Request& rq) {
  std::string org_ids;
  for (const auto id : rq.query_all("orgIds")) org_ids += cat(id, ",");
  const auto get = [&](std::string_view name) { return name == "orgIds" ? std::string_view(org_ids) : rq.query(name); };
  const auto asked = TRY(read_asked(rq, get));
  if (const auto refusal = check_asked(asked, get)) return redirect(refused_address(asked, *refusal), 303);
  const auto prompt = rq.query("prompt");
  if (!rq.by_session()) {
    if (prompt == "none") return redirect(refused_address(asked, {"login_required", "nobody is signed in"}), 303);
    return sign_in_first(rq);
  }
  const auto given = TRY(hub::given_to_app(rq.hub(), asked.app, *rq.user()));
  if (given.covers(asked.code.scopes, asked.orgs) && prompt != "consent")
    return redirect(TRY(granted_address(rq, asked)), 303);
  if (prompt == "none")
    return redirect(refused_address(asked, {"consent_required", "the user has not agreed yet"}), 303);
  Shell shell;
  shell.title = cat("Authorise ", asked.app.name);
  shell.description = "An application asks for access to your account.";
  shell.data = page_data(rq, "authorize");
  shell.data.set("app", asked.app.name);
  shell.data.set("redirect", asked.code.redirect_uri);
  shell.data.set("scopes", scopes_json(asked.code.scopes));
  if (hub::concerns_orgs(asked.code.scopes)) shell.data.set("orgs", TRY(orgs_json(rq, asked, given)));
  Json request = Json::Object();
  for (const auto name : {"client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge",
                          "code_challenge_method", "orgIds"})
    request.set(name, get(name));
  shell.data.set("request", std::move(request));
  return page_response(rq, std::move(shell));
}

Result<Response> decide(Request& rq) {
  const auto body = TRY(rq.json());
  const auto get = [&](std::string_view name) { return body["request"][name].as_string(); };
  auto asked = TRY(read_asked(rq, get));
  asked.code.orgs = TRY(read_choice(body["orgs"], asked));
  std::string address;
  if (const auto refusal = check_asked(asked, get)) {
    address = refused_address(asked, *refusal);
  } else if (!body["allow"].as_bool()) {
    address = refused_address(asked, {"access_denied", "the user has refused"});
  } else {
    address = TRY(granted_address(rq, asked));
    if (TRY(hub::given_to_app(rq.hub(), asked.app, *rq.user())).covers(asked.code.scopes, asked.orgs))
      audit_grant(rq, asked.app, asked.code.scopes, "page");
  }
  return json_response(Json(Json::Object{{"location", address}}));
}

Result<Response> device(Request& rq) {
  if (!rq.by_session()) return sign_in_first(rq);
  Shell shell;
  shell.title = "Connect a device";
  shell.description = "Enter the code that your terminal shows.";
  shell.data = page_data(rq, "device");
  shell.data.set("code", rq.query("user_code"));
  return page_response(rq, std::move(shell));
}

// Guessing codes of others is counted like guessing passwords.
Result<hub::DeviceAsk> find_device(Request& rq, std::string_view code) {
  const auto who = cat("device:", rq.user()->name);
  TRY(hub::check_login_allowed(rq.hub(), who, rq.client_address()));
  auto asked = hub::find_device(rq.hub(), code);
  if (!asked.ok() && asked.status().code() == Code::not_found)
    TRY(hub::record_login_failure(rq.hub(), who, rq.client_address()));
  return asked;
}

Result<Response> device_ask(Request& rq) {
  const auto asked = TRY(find_device(rq, rq.query("user_code")));
  return json_response(Json(Json::Object{{"app", asked.app.name}, {"scopes", scopes_json(asked.scopes)}}));
}

Result<Response> device_decide(Request& rq) {
  const auto body = TRY(rq.json());
  const auto code = body["user_code"].as_string();
  const auto asked = TRY(find_device(rq, code));
  const bool allow = body["allow"].as_bool();
  TRY(hub::decide_device(rq.hub(), code, rq.caller(), allow));
  if (allow) audit_grant(rq, asked.app, asked.scopes, "device code");
  return json_response(Json(Json::Object{{"allowed", allow}}));
}

constexpr Route kRoutes[] = {
    {"GET", "/oauth/authorize", Access::open, authorize},
    {"POST", "/oauth/authorize", Access::session, decide},
    {"GET", "/oauth/device", Access::open, device},
    {"GET", "/oauth/device/request", Access::session, device_ask},
    {"POST", "/oauth/device/decide", Access::session, device_decide},
};

}  // namespace
extern constinit const Routes oauth_entry{kRoutes};
}  // namespace hearth::server::pages
