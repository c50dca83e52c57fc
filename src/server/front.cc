// The front (server.h).
//
// 1. A row's access is decided before its handler runs, and nowhere else.
// 2. A repository that the caller may not know of answers as one that does not exist.
// 3. A shown token that is wrong is refused, also where none is needed; an old cookie only makes a visitor.
//    A cookie changes something only from our own pages (server/origin.h).
// 4. Former names of a repository, and short names that the hub's administrators gave, lead on by 307, on every address
//    and only for those who may know of the repository.
// 5. Every failure is a JSON object with the headers that huggingface_hub reads (2.4.0 utils/_http.py), an OpenAI error
//    under /v1/, or a page for a browser.
#include "server/server.h"

#include <algorithm>
#include <exception>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "server/audit.h"
#include "server/ingress.h"
#include "server/metrics.h"
#include "server/origin.h"
#include "server/page_data.h"
#include "server/pull_through.h"
#include "server/rate_limit.h"
#include "server/router.h"
#include "server/shell.h"
#include "server/token_watch.h"
#include "server/xet_grant.h"
#include "wire/anthropic.h"
#include "wire/openai_answer.h"

namespace hearth::server {
namespace {

constexpr int kRetry_s = 2;  // of an answer that tells to come back

constexpr std::string_view kBadCredentials = "Invalid credentials in Authorization header";

constexpr std::string_view kExposedHeaders =
    "X-Repo-Commit, X-Request-Id, X-Error-Code, X-Error-Message, X-Total-Count, ETag, Link, Accept-Ranges, "
    "Content-Range, "
    "X-Linked-Size, X-Linked-ETag, X-Xet-Hash, RateLimit, RateLimit-Policy, Retry-After";

std::optional<hub::Right> right_of(Access access) {
  switch (access) {
    case Access::metadata:
      return hub::Right::metadata;
    case Access::content:
      return hub::Right::content;
    case Access::write:
      return hub::Right::write;
    case Access::admin:
      return hub::Right::admin;
    case Access::govern:
      return hub::Right::govern;
    default:
      return std::nullopt;
  }
}

// Rows without a repository or an organisation.
Status check_caller(const Request& rq, const Decision& needed) {
  const auto& caller = rq.caller();
  if (needed.access == Access::open) return {};
  if (caller.anonymous()) return Status(Code::unauthenticated, "this needs a token: hearth auth login, or HF_TOKEN");
  if (needed.access == Access::session && !rq.by_session())
    return Status(Code::forbidden, "this is done signed in on the site, not with a token");
  if (needed.access == Access::site_admin) {
    if (!caller.user->is_admin) return Status(Code::forbidden, "this is for administrators of the hub");
    if (caller.scopes || (caller.role == hub::TokenRole::read && !is_safe(rq.method())))
      return Status(Code::forbidden, "administrating the hub takes a token with the write role");
  }
  if (!needed.permission.empty()) return hub::check_token(caller, needed.permission, {.owner_id = caller.user->id});
  return {};
}

// The path's organisation, when the caller has the row's place in it. That it exists is no secret.
Result<hub::Org> find_org(const Request& rq, const Decision& needed) {
  const auto& caller = rq.caller();
  auto org = TRY(hub::find_org(rq.hub(), rq.arg("org")));
  if (caller.anonymous()) return Status(Code::unauthenticated, "this needs a token: hearth auth login, or HF_TOKEN");
  const auto* membership = caller.membership(org.name);
  if (!caller.user->is_admin) TRY(caller.check_factor(org.id));
  const bool administrates = caller.user->is_admin || (membership && membership->role == hub::OrgRole::admin);
  if (!administrates && !(membership && needed.access == Access::org_member))
    return Status(Code::forbidden,
                  cat(caller.name(), " is no ", needed.access == Access::org_member ? "member" : "administrator",
                      " of ", org.name));
  const std::string_view standard = needed.access == Access::org_member ? "org.read" : "org.write";
  TRY(hub::check_token(caller, needed.permission.empty() ? standard : needed.permission, {.owner_id = org.id}));
  return org;
}

// The path's repository, when the caller has the row's right on it.
Result<hub::Repo> find_repo(const Request& rq, hub::Right right, std::string_view permission) {
  auto id = hub::parse_repo_id(rq.kind(), rq.arg("repo"));
  if (!id.ok() && hub::check_name(rq.arg("repo")).ok()) id = hub::RepoId{rq.kind(), "", rq.arg("repo")};
  if (!id.ok()) return Status(Code::repo_not_found, cat("Repository not found: ", rq.arg("repo")));
  auto found = rq.hub().repo(*id);
  auto* upstream = rq.services().pull_through;
  if (upstream) found = upstream->look(*id, std::move(found), rq.arg("rev"), rq.caller().anonymous(), rq.stop());
  auto repo = TRY(std::move(found));
  TRY(hub::check_access(rq.caller(), repo, right, permission));
  if (upstream && right == hub::Right::write) TRY(upstream->check_write(repo));
  return repo;
}

// The same address with the repository's present name where the path has `asked` (owner/name, or a short name).
std::string renamed(const net::RequestHead& head, std::string_view asked, const hub::Repo& repo) {
  const auto parts = split(head.path, '/');
  const size_t width = contains(asked, "/") ? 2 : 1;
  for (size_t i = 1; i + width <= parts.size(); ++i) {
    std::string name;
    for (size_t k = i; k < i + width; ++k) name += cat(k > i ? "/" : "", percent_decode(parts[k]).value_or(""));
    const bool git = name.ends_with(".git");
    if (git) name.resize(name.size() - 4);
    if (name != asked) continue;
    std::string out;
    for (size_t k = 1; k < parts.size(); ++k) {
      if (k > i && k < i + width) continue;
      out += k == i ? cat("/", repo.full_name(), git ? ".git" : "") : cat("/", parts[k]);
    }
    return head.query.empty() ? out : cat(out, "?", head.query);
  }
  return {};
}

bool openai_shape(std::string_view path) {
  if (path.starts_with("/xet/")) return false;
  return path.starts_with("/v1/") || contains(path, "/v1/");
}

// Clients of engines are given keys of any kind.
bool asks_engine(std::string_view path) {
  return openai_shape(path) || path.starts_with("/models/") || path.starts_with("/pipeline/") ||
         path.starts_with("/hf-inference/");
}

// Anthropic's clients send their key in a header of its own.
std::string_view api_key(const net::RequestHead& head) {
  return contains(head.path, "/v1/messages") ? head.headers.get("x-api-key") : std::string_view();
}

// Did the caller say who they are? Decides between 401 and 404 for what they may not know of.
bool shows_credential(const net::RequestHead& head) {
  const auto authorization = head.headers.get("authorization");
  // Any key: see identify.
  if (asks_engine(head.path) && !contains(authorization, "hf_") && !api_key(head).starts_with("hf_")) return false;
  return !authorization.empty() || !api_key(head).empty() || !net::cookie(head.headers, "hearth_session").empty();
}

struct Identity {
  hub::Caller caller;
  bool by_session = false;
};

// The caller that the request's credentials name: a bearer token, a git client's Basic password, the session cookie, or
// nobody. unauthenticated when a token is wrong.
Result<Identity> identify(const hub::Accounts& accounts, const net::RequestHead& head) {
  const auto authorization = head.headers.get("authorization");
  std::string token;
  if (authorization.starts_with("Bearer ")) {
    token = trim(authorization.substr(7));
  } else if (authorization.starts_with("Basic ")) {
    const auto pair = from_base64(authorization.substr(6));
    const auto colon = pair.ok() ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos) return Status(Code::unauthenticated, std::string(kBadCredentials));
    token = pair->substr(colon + 1);
    if (token.empty()) token = pair->substr(0, colon);  // git https://TOKEN@host/...
  } else {
    token = trim(api_key(head));
  }
  if (!token.empty()) {
    // Clients of public engines send any key; one that is none of ours names nobody.
    // Neither is the token of /metrics a user's.
    if (!token.starts_with("hf_") && (asks_engine(head.path) || head.path == "/metrics")) return Identity();
    auto caller = accounts.caller_by_token(token);
    if (!caller.ok() && caller.status().code() == Code::unauthenticated)
      return Status(Code::unauthenticated, std::string(kBadCredentials));
    return Identity{TRY(std::move(caller)), false};
  }
  if (const auto session = net::cookie(head.headers, "hearth_session"); !session.empty()) {
    auto caller = accounts.caller_by_session(session);
    if (caller.ok())
      return Identity{*std::move(caller), true};  // an old cookie is no wrong credential: the reader is a visitor again
  }
  return Identity();
}

Response page_of_error(const Request& rq, const Status& status, int http_status, bool anonymous) {
  Shell shell;
  shell.title = http_status == 404 || http_status == 401 ? "Not found" : "Something went wrong";
  const auto advice = anonymous && http_status == 401 ? "\nIf it is private, sign in first." : "";
  shell.data = page_data(rq, "message");
  shell.data.set("title", shell.title);
  shell.data.set("text", cat(status.message(), advice));
  auto out = page_response(rq, std::move(shell));
  out.status = http_status;
  return out;
}

bool is_git_protocol(std::string_view path) {
  return path.ends_with("/info/refs") || path.ends_with("/git-upload-pack") || path.ends_with("/git-receive-pack");
}

bool is_git(std::string_view path) {
  return is_git_protocol(path) || contains(path, "/info/lfs");
}

Response answer_of_error(const Request& rq, const Status& status) {
  const auto& head = rq.head();
  const bool anonymous = !shows_credential(head);
  auto out = error_response(status, anonymous);
  if (openai_shape(head.path)) {
    out.body = contains(head.path, "/v1/messages") ? wire::messages_error_json(status, out.status)
                                                   : wire::error_json(status, out.status);
  } else if (contains(head.headers.get("accept"), "text/html") && !head.path.starts_with("/api/")) {
    auto page = page_of_error(rq, status, out.status, anonymous);
    for (const auto& [name, value] : out.headers)
      if (!equals_ignore_case(name, "content-type")) page.headers.set(name, value);
    out = std::move(page);
  } else if (is_git_protocol(head.path)) {
    // git shows the body of a refusal after "remote: " when it is plain text (2.39 remote-curl.c, show_http_message).
    out.body = cat(status.message(), "\n");
    out.headers.set("Content-Type", "text/plain; charset=utf-8");
  } else if (contains(head.path, "/info/lfs")) {
    // git-lfs shows "message" (3.3.0 lfshttp/errors.go), other clients "error".
    out.body = Json(Json::Object{{"error", status.message()}, {"message", status.message()}}).dump();
  }
  // Without a body it is no JSON: clients read what says that it is (@huggingface/hub 2.17.5 src/error.ts).
  if (head.method == "HEAD") out.headers.set("Content-Type", "text/plain; charset=utf-8");
  if (is_git(head.path) && anonymous && status.code() == Code::repo_not_found) out.status = 401;
  if (out.status == 401 && is_git(head.path)) {
    out.headers.set("WWW-Authenticate", "Basic realm=\"Hearth: any user name, a token as password\"");
    if (contains(head.path, "/info/lfs")) out.headers.set("LFS-Authenticate", "Basic realm=\"Hearth\"");
  }
  return out;
}

// A signed address says how large its body is; what is longer is cut off there.
uint64_t spool_limit(const Route& route, const net::RequestHead& head) {
  for (const auto part : split(head.query, '&'))
    if (part.starts_with("size="))
      if (const auto size = parse_int(part.substr(5)); size && *size >= 0)
        return std::min(route.max_body_bytes, static_cast<uint64_t>(*size));
  return route.max_body_bytes;
}

void add_common_headers(Response& response, std::string_view id) {
  response.headers.set("X-Request-Id", id);
  response.headers.set("Access-Control-Allow-Origin", "*");
  response.headers.set("Access-Control-Expose-Headers", kExposedHeaders);
}

Response preflight() {
  auto out = empty_response();
  out.headers.set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  out.headers.set("Access-Control-Allow-Headers", "Authorization, Content-Type, Range, Accept, X-Requested-With");
  return out;
}

}  // namespace

Front::Front(const Services& services)
    : services_(services),
      router_(std::make_unique<const Router>(all_routes())),
      token_watch_(std::make_unique<TokenWatch>()) {}
Front::~Front() = default;

net::BodyPlan Front::plan(const net::RequestHead& head) {
  const auto match = router_->find(head.method, head.path);
  if (!match.ok()) return net::BodyPlan::memory(64 << 10);
  const auto& route = *match->route;
  switch (route.body) {
    case BodyMode::spool:
      return net::BodyPlan::spool(services_.hub.blobs().incoming(), spool_limit(route, head));
    case BodyMode::spool_stored: {
      auto out = net::BodyPlan::spool(services_.hub.blobs().incoming(), spool_limit(route, head));
      out.direct = services_.hub.blobs().is_local();  // else it is read at once, to be sent on
      return out;
    }
    case BodyMode::spool_unhashed: {
      auto out = net::BodyPlan::spool(services_.hub.blobs().incoming(), route.max_body_bytes, /*hashed=*/false);
      if (!route.observe) return out;
      out.observer = route.observe();
      out.direct = services_.hub.blobs().is_local();
      return out;
    }
    case BodyMode::pipe:
      return net::BodyPlan::pipe();
    case BodyMode::memory:
      break;
  }
  return net::BodyPlan::memory(route.max_body_bytes);
}

// One request of the caller's window; `spend` false only looks.
Status Front::take_turn(Request& rq, bool spend) const {
  const auto kind = services_.limiter ? rate_kind_of(rq.head().path) : std::nullopt;
  if (!kind) return {};
  rq.rate_ = services_.limiter->take(rq.user() ? rq.user()->id : 0, rq.client_address(), *kind, now_ms(), spend);
  if (!rq.rate_ || !rq.rate_->refused) return {};
  return Status(Code::busy, cat("too many requests: the limit of ", rq.rate_->policy.quota, " ", rate_kind_name(*kind),
                                " requests in ", rq.rate_->policy.window_s, " s is reached; try again in ",
                                rq.rate_->reset_s, " s"));
}

Result<const Route*> Front::decide(Request& rq, bool spend) const {
  auto match = TRY(router_->find(rq.method(), rq.head().path));
  rq.args_ = std::move(match.arguments);
  rq.route_ = match.route->pattern;
  const auto& needed = match.route->access;
  const Access access = needed.access;
  if (access == Access::application) {
    TRY(take_turn(rq, spend));
    return match.route;
  }
  if (access == Access::signed_link) {
    if (!check_signed_target(services_.signer, rq.method(), rq.head().target))
      return Status(Code::forbidden, "this address is not signed by this hub, or its time is over: ask for a new one");
    return match.route;
  }
  if (access == Access::xet_read || access == Access::xet_write) {
    TRY(take_xet_grant(rq, access == Access::xet_write));
    return match.route;
  }
  auto identity = identify(services_.hub.accounts(), rq.head());
  if (identity.ok()) {
    rq.caller_ = std::move(identity->caller);
    rq.by_session_ = identity->by_session;
  }
  TRY(take_turn(rq, spend));  // guesses at tokens count too
  if (!identity.ok()) return std::move(identity).status();
  token_watch_->see(rq);
  if (rq.by_session_ && !is_safe(rq.method())) TRY(check_origin(rq.head(), rq.caller_.session_id));
  if (const auto right = right_of(access)) {
    rq.repo_ = TRY(find_repo(rq, *right, needed.permission));
    if (!equals_ignore_case(rq.repo_->full_name(), rq.arg("repo")))
      rq.moved_to_ = renamed(rq.head(), rq.arg("repo"), *rq.repo_);
  } else if (access == Access::org_member || access == Access::org_admin) {
    rq.org_ = TRY(find_org(rq, needed));
  } else {
    TRY(check_caller(rq, needed));
  }
  return match.route;
}

// A Xet token was given out after access was decided; whoever lost that access since is refused all the same.
Status Front::take_xet_grant(Request& rq, bool write) const {
  const auto authorization = rq.header("authorization");
  if (!authorization.starts_with("Bearer ")) return Status(Code::unauthenticated, std::string(kBadCredentials));
  const auto grant = TRY(read_xet_grant(services_.signer, trim(authorization.substr(7))));
  if (write && grant.right == XetRight::read)
    return Status(Code::forbidden, "this Xet token is for reading: ask for one at xet-write-token");
  auto repo = TRY(rq.hub().repo_by_number(grant.repo));
  if (!grant.user.empty()) {
    rq.caller_ = TRY(rq.hub().accounts().caller_of(TRY(rq.hub().accounts().user(grant.user))));
    const auto right = grant.right == XetRight::write ? hub::Right::write : hub::Right::content;
    TRY(hub::check_access(rq.caller_, repo, right));
  }
  rq.repo_ = std::move(repo);
  return {};
}

std::optional<net::Response> Front::admit(const net::RequestHead& head) {
  Request rq(services_, net::Request{.head = head, .body = {}, .file = {}}, {});
  const auto route = decide(rq, /*spend=*/false);
  if (!route.ok()) return finish(rq, route.status().clone());
  if (!rq.moved_to_.empty()) return finish(rq, redirect(rq.moved_to_, 307));
  return std::nullopt;
}

net::Response Front::handle(net::Request&& raw, std::stop_token stop) {
  Request rq(services_, std::move(raw), std::move(stop));
  const auto answered = [&]() -> Result<Response> {
    if (rq.method() == "OPTIONS") return preflight();
    try {
      const auto* route = TRY(decide(rq, /*spend=*/true));
      if (!rq.moved_to_.empty()) return redirect(rq.moved_to_, 307);
      auto response = TRY(route->handle(rq));
      if (response.status < 400) audit_request(rq, *route);
      return response;
    } catch (const std::exception& error) {
      log(LogLevel::error, "server", cat(rq.method(), " ", rq.head().path, ": ", std::string_view(error.what())));
      return Status(Code::internal, "the hub failed at this request; its log says where");
    }
  };
  return finish(rq, answered());
}

net::Response Front::refuse(const net::RequestHead& head, const Status& status) {
  Request rq(services_, net::Request{.head = head, .body = {}, .file = {}}, {});
  return finish(rq, status.clone());
}

Response Front::finish(Request& rq, Result<Response> result) const {
  if (!result.ok() && code_row(result.status().code()).http_status >= 500)
    log(LogLevel::error, "server", cat(rq.method(), " ", rq.head().path, ": ", result.status().message()));
  auto response = result.ok() ? *std::move(result) : answer_of_error(rq, result.status());
  add_common_headers(response, rq.id());
  response.route = rq.route_;
  response.user = rq.caller_.name();
  if (rq.rate_) {
    response.headers.set("RateLimit", rate_header(*rq.rate_));
    response.headers.set("RateLimit-Policy", rate_policy_header(*rq.rate_));
    if (rq.rate_->refused) response.headers.set("Retry-After", cat(rq.rate_->reset_s));
  }
  if ((response.status == 429 || response.status == 503) && !response.headers.has("Retry-After"))
    response.headers.set("Retry-After", cat(kRetry_s));
  return response;
}

void Front::arrived(net::RequestHead& head) {
  static const Ingress none;
  (services_.ingress ? *services_.ingress : none).correct(head);
}

void Front::answered(const net::RequestHead& head, const net::Response& response, const net::Answered& how) {
  if (services_.metrics) services_.metrics->count(head.method, response.route, how);
  const bool slow = services_.slow_s > 0 && how.handle_seconds > services_.slow_s;
  if (!services_.access_log && !slow) return;
  // The path alone: queries carry signatures.
  log(slow ? LogLevel::warning : LogLevel::info, slow ? "slow" : "access", cat(head.method, " ", head.path),
      {{"id", response.headers.get("X-Request-Id")},
       {"user", std::string_view(response.user)},
       {"address", std::string_view(head.remote_address)},
       {"route", response.route},
       {"status", int64_t{how.status}},
       {"ms", how.seconds * 1000},
       {"handle_ms", how.handle_seconds * 1000},
       {"bytes", static_cast<int64_t>(how.bytes)},
       {"whole", int64_t{how.whole}}});
}

}  // namespace hearth::server
