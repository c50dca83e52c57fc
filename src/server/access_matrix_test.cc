// The permission matrix: every row of every route is asked by every kind of caller for a public, a gated and a private
// repository of an organisation, and the answers are compared with the table below, which is written by hand from
// docs/hub.md ("Who may do what") and takes nothing from the code. A by-product is build/access-matrix.md.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <span>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "endpoints/endpoints.h"
#include "server/bucket_feed.h"
#include "server/origin.h"
#include "server/router.h"
#include "server/server.h"
#include "server/tokenizer_cache.h"

namespace hearth::server {
namespace {

constexpr std::string_view kCallers[] = {"anonymous", "reader",  "contributor",       "writer", "admin", "no scope",
                                         "reading",   "expired", "other organisation"};
constexpr std::string_view kVisibilities[] = {"public", "gated", "private"};

// What each caller gets. `ok`: not refused (what the handler makes of an empty request is its own affair); `401`,
// `403`, `404`: refused so, 404 only as an unknown repository; `any`: the handler decides by what the request says.
// None of them is 500 or more: a failure is no refusal, and an empty request no reason for one.
struct Expected {
  std::string_view row, visibility, answers;  // in the order of kCallers
};
constexpr Expected kTable[] = {
    // Knowing of a repository.
    {"metadata", "public", " ok  ok  ok  ok  ok  ok  ok 401  ok"},
    {"metadata", "gated", "  ok  ok  ok  ok  ok  ok  ok 401  ok"},
    {"metadata", "private", "401 ok  ok  ok  ok 404  ok 401 404"},
    // Speaking about one: discussions, likes. Everybody who sees it, with a token that may.
    {"speak", "public", "   401  ok  ok  ok  ok 403 403 401  ok"},
    {"speak", "gated", "    401  ok  ok  ok  ok 403 403 401  ok"},
    {"speak", "private", "  401  ok  ok  ok  ok 404 403 401 404"},
    // Asking to be let into a gated one: once.
    {"ask", "public", " 401 ok ok ok ok 403 403 401 ok"},
    {"ask", "gated", "  401 ok ok ok ok 403 403 401 any"},
    {"ask", "private", "401 ok ok ok ok 404 403 401 404"},
    // Reading its files.
    {"content", "public", "  ok  ok  ok  ok  ok  ok  ok 401  ok"},
    {"content", "gated", "  401  ok  ok  ok  ok 403  ok 401 403"},
    {"content", "private", "401  ok  ok  ok  ok 404  ok 401 404"},
    // Taking from it what is then changed elsewhere: a copy, a pull request.
    {"take", "public", "  401  ok  ok  ok  ok 403 403 401  ok"},
    {"take", "gated", "   401  ok  ok  ok  ok 403 403 401 403"},
    {"take", "private", " 401  ok  ok  ok  ok 404 403 401 404"},
    // Changing it (here: one that the contributor did not make) and its settings.
    {"write", "public", "   401 403 403  ok  ok 403 403 401 403"},
    {"write", "gated", "    401 403 403  ok  ok 403 403 401 403"},
    {"write", "private", "  401 403 403  ok  ok 404 403 401 404"},
    {"admin", "public", "   401 403 403  ok  ok 403 403 401 403"},
    {"admin", "gated", "    401 403 403  ok  ok 403 403 401 403"},
    {"admin", "private", "  401 403 403  ok  ok 404 403 401 404"},
    // Changing what binds its writers.
    {"govern", "public", "   401 403 403 403  ok 403 403 401 403"},
    {"govern", "gated", "    401 403 403 403  ok 403 403 401 403"},
    {"govern", "private", "  401 403 403 403  ok 404 403 401 404"},
    // Asking a model to answer: as reading, but visitors only where the hub says so, and tokens need their permission.
    {"run", "public", "  401  ok  ok  ok  ok 403  ok 401  ok"},
    {"run", "gated", "   401  ok  ok  ok  ok 403  ok 401 403"},
    {"run", "private", " 401  ok  ok  ok  ok 404  ok 401 404"},
    // The caller's own things.
    {"signed in, reads", "", "  401 ok ok ok ok any  ok 401 ok"},
    {"signed in, changes", "", "401 ok ok ok ok any any 401 ok"},
    {"session", "", "401 403 403 403 403 403 403 401 403"},
    // The organisation's.
    {"member, reads", "", "         401  ok  ok  ok ok 403  ok 401 403"},
    {"member, changes", "", "       401  ok  ok  ok ok 403 403 401 403"},
    {"org admin, reads", "", "      401 403 403 403 ok 403  ok 401 403"},
    {"org admin, changes", "", "    401 403 403 403 ok 403 403 401 403"},
    {"site admin", "", "401 403 403 403 403 403 403 401 403"},
    // Others.
    {"open", "", "any any any any any any any 401 any"},
    {"application", "", "any any any any any any any any any"},
    {"xet", "", "401 401 401 401 401 401 401 401 401"},
    {"signed link", "", "403 403 403 403 403 403 403 403 403"},
};

// POST rows that change something of a repository for those who only see it.
constexpr std::string_view kSpeaking[] = {"/discussions", "/like"};

// Rows open to whoever may open a pull request, which this request does not ask for: they write to main.
constexpr std::string_view kWritesMain[] = {"/commit/", "/preupload/", "/xet-write-token"};
constexpr std::string_view kRuns[] = {"/v1/", "/pipeline/", "/hf-inference/"};
// Under a model: the addresses of the server that its engine stands in for.
constexpr std::string_view kServes[] = {
    "generate",     "generate_stream", "tokenize",   "chat_tokenize", "invocations", "vertex",
    "info",         "health",          "ping",       "metrics",       "embed",       "embed_all",
    "embed_sparse", "embeddings",      "similarity", "predict",       "rerank",      "decode"};
constexpr std::string_view kTakes[] = {"{repo}/duplicate", "/git-receive-pack", "/locks/verify"};

bool has_any(std::string_view text, std::span<const std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) { return contains(text, part); });
}

std::vector<std::string> cells(std::string_view text) {
  std::vector<std::string> out;
  for (const auto word : split(text, ' '))
    if (!word.empty()) out.emplace_back(word);
  return out;
}

const Expected* find_expected(std::string_view row, std::string_view visibility) {
  for (const auto& expected : kTable)
    if (expected.row == row && (expected.visibility.empty() || expected.visibility == visibility)) return &expected;
  return nullptr;
}

std::string_view row_of(const Route& route) {
  const bool reads = is_safe(route.method);
  switch (route.access.access) {
    case Access::open:
      return "open";
    case Access::application:
      return "application";
    case Access::signed_link:
      return "signed link";
    case Access::xet_read:
    case Access::xet_write:
      return "xet";  // a token of the Hub is none of the content store's
    case Access::signed_in:
      return reads ? "signed in, reads" : "signed in, changes";
    case Access::session:
      return "session";
    case Access::metadata:
      if (!reads && has_any(route.pattern, kSpeaking)) return "speak";
      if (route.pattern.ends_with("/info/refs")) return "content";  // a clone's first question
      return route.pattern.ends_with("/ask-access") ? "ask" : "metadata";
    case Access::content:
      if (has_any(route.pattern, kRuns) || route.pattern == "/{kind}/{repo}") return "run";
      if (const auto last = route.pattern.rfind('/');
          route.pattern.substr(0, last) == "/{kind}/{repo}" &&
          std::find(std::begin(kServes), std::end(kServes), route.pattern.substr(last + 1)) != std::end(kServes))
        return "run";
      if (has_any(route.pattern, kWritesMain) && (!reads || contains(route.pattern, "xet"))) return "write";
      return has_any(route.pattern, kTakes) ? "take" : "content";
    case Access::write:
      return "write";
    case Access::admin:
      return "admin";
    case Access::govern:
      return "govern";
    case Access::org_member:
      return reads ? "member, reads" : "member, changes";
    case Access::org_admin:
      return reads ? "org admin, reads" : "org admin, changes";
    case Access::site_admin:
      return "site admin";
  }
  return "";
}

template <class T>
T ok(Result<T> result) {
  REQUIRE_MESSAGE(result.ok(), result.status().message());
  return std::move(result).value();
}
void ok(const Status& status) {
  REQUIRE_MESSAGE(status.ok(), status.message());
}

// acme with a member of each role and a repository of each visibility and kind; eve of another organisation.
struct Acme {
  Acme() {
    const auto boss = user("boss"), eve = user("eve");
    const auto acme = ok(hub::create_org(*hub, {.name = "acme"}, boss));
    ok(hub::create_org(*hub, {.name = "other"}, eve));
    for (const auto& [name, role] :
         {std::pair("reader", hub::OrgRole::read), std::pair("contributor", hub::OrgRole::contributor),
          std::pair("writer", hub::OrgRole::write)}) {
      const auto member = user(name);
      ok(hub::set_member(*hub, acme, member, role));
      tokens[name] = ok(hub->accounts().create_token(member, hub::TokenRole::write, name));
    }
    auto& accounts = hub->accounts();
    tokens["admin"] = ok(accounts.create_token(boss, hub::TokenRole::write, "t"));
    tokens["reading"] = ok(accounts.create_token(boss, hub::TokenRole::read, "t"));
    tokens["no scope"] =
        ok(accounts.create_token(boss, hub::TokenRole::fine_grained, "t", {.scopes = hub::TokenScopes()}));
    tokens["expired"] =
        ok(accounts.create_token(boss, hub::TokenRole::write, "t", {.expires_ms = now_ms() + 3'600'000}));
    ok(hub->db().execute("UPDATE tokens SET expires_ms = $1 WHERE expires_ms IS NOT NULL", {now_ms() - 1}));
    tokens["other organisation"] = ok(accounts.create_token(eve, hub::TokenRole::write, "t"));
    session = ok(accounts.create_session(boss));
    boss_id = boss.id;
    for (const auto kind : hub::kAllKinds)
      for (const auto visibility : kVisibilities) make(kind, visibility);
    front = std::make_unique<Front>(*services);
  }

  void make(hub::RepoKind kind, std::string_view visibility) const {
    const auto repo = ok(hub->create_repo({.id = {kind, "acme", std::string(visibility)},
                                           .is_private = visibility == "private",
                                           .sdk = "static",
                                           .creator_id = boss_id}));
    if (visibility == "gated") ok(hub->update_settings(repo, {.gated = "manual"}));
  }

  hub::User user(std::string_view name) { return ok(hub->accounts().create_user(name, "a long password")); }

  net::RequestHead head(const Route& route, std::string_view visibility) const {
    const auto kind = contains(route.pattern, "/spaces/") ? "spaces" : "models";
    std::string path;
    for (const auto segment : split(route.pattern.substr(1), '/')) {
      if (segment == "{kind?}") continue;  // a model's page
      if (segment == "{kind}") {
        path += cat("/", kind);
      } else if (segment == "{repo}") {
        path += cat("/acme/", visibility);
      } else if (segment == "{org}") {
        path += "/acme";
      } else if (segment == "{namespace}") {
        path += "/me";
      } else {
        path += segment.starts_with('{') ? std::string("/x") : cat("/", segment);
      }
    }
    if (path.empty()) path = "/";
    const std::string query = path.ends_with("/info/refs") ? "service=git-upload-pack" : "";
    return {.method = std::string(route.method),
            .target = cat(path, query.empty() ? "" : "?", query),
            .path = path,
            .query = query,
            .headers = {{"Host", "hub"}},
            .remote_address = "127.0.0.1"};
  }
  Response ask(const Route& route, std::string_view visibility, const std::string& caller) const {
    net::Request request{.head = head(route, visibility)};
    if (const auto token = tokens.find(caller); token != tokens.end())
      request.head.headers.add("Authorization", cat("Bearer ", token->second));
    if (route.body == BodyMode::spool || route.body == BodyMode::spool_stored) request.file = spooled();
    auto response = front->handle(std::move(request), {});
    CHECK_MESSAGE(response.status < 500, route.method, " ", route.pattern, " (", visibility, ") as ", caller, ": ",
                  response.headers.get("X-Error-Message"));
    // A bucket is deleted by its address alone: whoever may has done so.
    if (route.method == "DELETE" && route.pattern == "/api/buckets/{repo}" && response.status == 200)
      make(hub::RepoKind::bucket, visibility);
    return response;
  }
  net::SpooledFile spooled() const {
    const auto path = cat(folder.path(), "/body");
    ok(write_file(path, "", 0600));
    return net::SpooledFile(path, std::string(64, '0'), 0);
  }

  TempFolder folder;
  std::unique_ptr<hub::Hub> hub = ok(hub::Hub::open(folder.path() + "/data"));
  std::map<std::string, std::string> tokens;
  std::string session;
  int64_t boss_id = 0;
  endpoints::Endpoints engines{{.program = "/bin/false", .folder = folder.path() + "/run"}};
  BucketFeed feed{*hub};
  TokenizerCache tokenizers{folder.path() + "/tokenizing"};
  std::unique_ptr<Services> services = std::make_unique<Services>(Services{.hub = *hub,
                                                                           .signer = ok(Signer::open(*hub)),
                                                                           .web_folder = folder.path(),
                                                                           .endpoints = &engines,
                                                                           .bucket_feed = &feed,
                                                                           .tokenizers = &tokenizers});
  std::unique_ptr<Front> front;
};

// "ok", or the status with which the caller was refused.
std::string outcome(const Response& response) {
  const auto code = response.headers.get("X-Error-Code");
  if (response.status == 401 || response.status == 403) return cat(response.status);
  if (response.status == 404 && code == "RepoNotFound") return "404";
  return "ok";
}

}  // namespace

TEST_CASE("access matrix: every route, caller and visibility answers as the table says") {
  const Acme world;
  std::map<std::string, std::string> report;  // by route and visibility
  int asked = 0;
  for (const auto* route : all_routes()) {
    const auto row = row_of(*route);
    REQUIRE_FALSE(row.empty());
    const bool of_repository = contains(route->pattern, "{repo}");
    for (const auto visibility : kVisibilities) {
      if (!of_repository && visibility != "public") continue;
      const auto* expected = find_expected(row, visibility);
      REQUIRE_MESSAGE(expected != nullptr, row);
      const auto answers = cells(expected->answers);
      REQUIRE(answers.size() == std::size(kCallers));
      std::string line;
      for (size_t i = 0; i < std::size(kCallers); ++i) {
        const auto response = world.ask(*route, visibility, std::string(kCallers[i]));
        const auto got = outcome(response);
        line += cat(" | ", got);
        ++asked;
        if (answers[i] == "any") continue;
        std::string why;
        if (const auto* text = std::get_if<std::string>(&response.body)) why = text->substr(0, 200);
        CHECK_MESSAGE(got == answers[i], route->method, " ", route->pattern, " (", row, ", ", visibility, ") as ",
                      kCallers[i], ": ", why);
        if (answers[i] != "ok")
          if (row == "content" && visibility == "gated" && kCallers[i] != "expired")
            CHECK(response.headers.get("X-Error-Code") == "GatedRepo");
      }
      report[cat("`", route->method, " ", route->pattern, "` | ", of_repository ? visibility : "-")] = line;
    }
  }
  CHECK(asked > 1000);
  // The world is as it was: nobody who was refused has changed it.
  for (const auto kind : hub::kAllKinds)
    for (const std::string visibility : {"public", "gated", "private"}) {
      const auto repo = ok(world.hub->repo({kind, "acme", visibility}));
      CHECK(repo.is_private == (visibility == "private"));
      CHECK(repo.gated == (visibility == "gated" ? "manual" : ""));
    }
  const auto build = env("HEARTH_BUILD");
  if (build.empty()) return;
  std::string text =
      "# Who may do what, as the hub answered\n\nWritten by test_server from every route; `ok`: not refused.\n\n| "
      "route | repository";
  std::string rule = "\n| --- | ---";
  for (const auto caller : kCallers) {
    text += cat(" | ", caller);
    rule += " | ---";
  }
  text += cat(" |", rule, " |\n");
  for (const auto& [name, line] : report) text += cat("| ", name, line, " |\n");
  ok(write_file(path_join(build, "access-matrix.md"), text));
}

TEST_CASE("access matrix: members without the second factor that the organisation asks for are as strangers there") {
  const Acme world;
  ok(hub::update_org(*world.hub, ok(hub::find_org(*world.hub, "acme")), {.require_totp = true}));
  int told = 0;
  for (const auto* route : all_routes()) {
    const auto row = row_of(*route);
    const bool of_repository = contains(route->pattern, "{repo}");
    for (const auto visibility : kVisibilities) {
      if (!of_repository && visibility != "public") continue;
      auto expected = cells(find_expected(row, visibility)->answers).back();  // another organisation's
      if (expected == "any") continue;
      if (expected == "404") expected = "403";  // they know that it exists: they are told why
      for (const std::string caller : {"writer", "admin"}) {
        const auto response = world.ask(*route, visibility, caller);
        INFO(route->method, " ", route->pattern, " (", row, ", ", visibility, ") as ", caller);
        CHECK(outcome(response) == expected);
        const bool theirs = of_repository || contains(route->pattern, "{org}");
        if (expected != "403" || !theirs) continue;
        CHECK(contains(response.headers.get("X-Error-Message"), "second factor"));
        ++told;
      }
    }
  }
  CHECK(told > 200);
}

TEST_CASE("access: a session's cookie changes nothing from another site's page, on every route") {
  const Acme world;
  int asked = 0;
  for (const auto* route : all_routes()) {
    const auto access = route->access.access;
    if (is_safe(route->method) || access == Access::signed_link || access == Access::application ||
        access == Access::open || access == Access::xet_read || access == Access::xet_write)
      continue;
    const auto ask = [&](std::string_view header, std::string_view value) {
      net::Request request{.head = world.head(*route, "public")};
      request.head.headers.add("Cookie", cat("hearth_session=", world.session));
      if (!header.empty()) request.head.headers.add(header, value);
      if (route->body == BodyMode::spool || route->body == BodyMode::spool_stored) request.file = world.spooled();
      auto response = world.front->handle(std::move(request), {});
      CHECK(response.status < 500);
      return response;
    };
    INFO(route->method, " ", route->pattern);
    for (const auto& [header, value] : {std::pair("", ""), std::pair("Origin", "https://evil.example"),
                                        std::pair("Origin", "null"), std::pair("Origin", "http://hub.evil.example"),
                                        std::pair("X-CSRF-Token", "00000000000000000000000000000000")})
      CHECK(ask(header, value).status == 403);
    const auto id = ok(world.hub->accounts().caller_by_session(world.session)).session_id;
    if (access == Access::site_admin) continue;
    for (const auto& [header, value] : {std::pair(std::string("Origin"), std::string("http://hub")),
                                        std::pair(std::string("X-CSRF-Token"), csrf_token(id))}) {
      const auto answer = ask(header, value);  // 403 for another reason (a wrong password) is the handler's word
      const auto message = answer.headers.get("X-Error-Message");
      CHECK_FALSE((contains(message, "Origin") || contains(message, "may not act in your name")));
    }
    ++asked;
  }
  CHECK(asked > 30);
}

}  // namespace hearth::server
