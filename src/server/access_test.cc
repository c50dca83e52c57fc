// Every row of every route is asked by every kind of caller who must be refused: a new endpoint is tested on the day it
// is added. An answer of 500 or more fails each of these tests, whatever else it checks: a failure is no refusal.
#include <doctest/doctest.h>

#include "base/files.h"
#include "base/text.h"
#include "endpoints/endpoints.h"
#include "server/bucket_feed.h"
#include "server/router.h"
#include "server/server.h"
#include "server/tokenizer_cache.h"

namespace hearth::server {
namespace {

/// A hub with a private and a public repository of alice, and tokens of alice (write, read), bob and nobody.
struct World {
  World() {
    auto opened = hub::Hub::open(folder.path() + "/data");
    REQUIRE(opened.ok());
    hub = std::move(*opened);
    for (const auto name : {"alice", "bob"}) {
      const auto user = hub->accounts().create_user(name, "a long password");
      REQUIRE(user.ok());
      for (const auto role : {hub::TokenRole::read, hub::TokenRole::write}) {
        const auto token = hub->accounts().create_token(*user, role, "test");
        REQUIRE(token.ok());
        tokens.emplace_back(cat(name, "/", hub::role_name(role)), *token);
      }
    }
    for (const auto kind : hub::kAllKinds) {
      REQUIRE(hub->create_repo({.id = {kind, "alice", "hidden"}, .is_private = true, .sdk = "static"}).ok());
      REQUIRE(hub->create_repo({.id = {kind, "alice", "seen"}, .sdk = "static"}).ok());
    }
    auto signer = Signer::open(*hub);
    REQUIRE(signer.ok());
    feed = std::make_unique<BucketFeed>(*hub);
    tokenizers = std::make_unique<TokenizerCache>(path_join(folder.path(), "tokenizing"));
    services = std::make_unique<Services>(Services{.hub = *hub,
                                                   .signer = *signer,
                                                   .web_folder = folder.path(),
                                                   .endpoints = &engines,
                                                   .bucket_feed = feed.get(),
                                                   .tokenizers = tokenizers.get()});
    front = std::make_unique<Front>(*services);
  }

  std::string token(std::string_view who) const {
    for (const auto& [name, token] : tokens)
      if (name == who) return token;
    return std::string(who);
  }

  net::RequestHead head(const Route& route, std::string_view path, std::string_view who) const {
    net::RequestHead out{.method = std::string(route.method),
                         .target = std::string(path),
                         .path = std::string(path),
                         .query = {},
                         .headers = {{"Host", "hub"}},
                         .remote_address = "127.0.0.1"};
    if (!who.empty()) out.headers.add("Authorization", cat("Bearer ", token(who)));
    return out;
  }
  Response ask(const Route& route, std::string_view path, std::string_view who) const {
    net::Request request{.head = head(route, path, who)};
    if (route.body == BodyMode::spool || route.body == BodyMode::spool_unhashed) {
      const auto body = folder.path() + "/body";
      REQUIRE(write_file(body, "", 0600).ok());
      request.file = net::SpooledFile(body, std::string(64, '0'), 0);
      if (route.observe) request.observer = route.observe();
    }
    auto response = front->handle(std::move(request), {});
    CHECK_MESSAGE(response.status < 500, route.method, " ", path, " as '", who, "'");
    return response;
  }

  TempFolder folder;
  std::unique_ptr<hub::Hub> hub;
  std::vector<std::pair<std::string, std::string>> tokens;
  endpoints::Endpoints engines{{.program = "/bin/false", .folder = folder.path() + "/run"}};
  std::unique_ptr<BucketFeed> feed;
  std::unique_ptr<TokenizerCache> tokenizers;
  std::unique_ptr<Services> services;
  std::unique_ptr<Front> front;
};

/// The row's pattern with values: a path that leads to it.
std::string path_of(const Route& route, std::string_view repo, std::string_view kind) {
  std::string out;
  for (const auto segment : split(route.pattern.substr(1), '/')) {
    if (segment == "{kind?}") {
      if (kind != "models") out += cat("/", kind);
    } else if (segment == "{kind}") {
      out += cat("/", kind);
    } else if (segment == "{repo}") {
      out += cat("/", repo);
    } else {
      out += segment.starts_with('{') ? std::string("/x") : cat("/", segment);
    }
  }
  return out.empty() ? "/" : out;
}

bool of_repository(const Route& route) {
  const auto access = route.access.access;
  return access == Access::metadata || access == Access::content || access == Access::write ||
         access == Access::admin || access == Access::govern;
}

constexpr const char* kKinds[] = {"models", "datasets", "spaces", "kernels"};

std::string error_code(const Response& response) {
  return std::string(response.headers.get("X-Error-Code"));
}

}  // namespace

TEST_CASE("access: a private repository answers strangers as one that does not exist, on every route") {
  const World world;
  int asked = 0;
  for (const auto* route : all_routes()) {
    if (!of_repository(*route)) continue;
    for (const auto kind : kKinds) {
      const auto hidden = path_of(*route, "alice/hidden", kind), absent = path_of(*route, "alice/absent", kind);
      for (const auto who : {"", "bob/read", "bob/write"}) {
        const auto a = world.ask(*route, hidden, who), b = world.ask(*route, absent, who);
        INFO(route->method, " ", hidden, " as '", who, "'");
        CHECK(a.status == (*who ? 404 : 401));
        CHECK(b.status == a.status);
        CHECK(error_code(a) == "RepoNotFound");
        CHECK(error_code(b) == error_code(a));
        CHECK(replace_all(std::get<std::string>(a.body), "hidden", "absent") == std::get<std::string>(b.body));
        ++asked;
      }
    }
  }
  CHECK(asked > 60);
}

TEST_CASE("access: who sees a repository changes it only with the right to, and a writing token") {
  const World world;
  int asked = 0;
  for (const auto* route : all_routes()) {
    const auto access = route->access.access;
    if (access != Access::write && access != Access::admin && access != Access::govern) continue;
    const auto path = path_of(*route, "alice/seen", "models");
    INFO(route->method, " ", path);
    CHECK(world.ask(*route, path, "").status == 401);
    CHECK(world.ask(*route, path, "bob/write").status == 403);
    CHECK(world.ask(*route, path, "alice/read").status == 403);
    ++asked;
  }
  CHECK(asked >= 5);
}

TEST_CASE("access: no route fails for the owner of an empty repository of any kind, whatever the request lacks") {
  const World world;
  int asked = 0;
  for (const auto* route : all_routes())
    if (of_repository(*route))
      for (const auto kind : kKinds)
        asked += world.ask(*route, path_of(*route, "alice/seen", kind), "alice/write").status < 500;
  CHECK(asked > 300);
}

TEST_CASE("access: a wrong token is refused on every route, signed addresses need their signature") {
  const World world;
  for (const auto* route : all_routes()) {
    const auto path = path_of(*route, "alice/seen", "models");
    INFO(route->method, " ", path);
    const auto response = world.ask(*route, path, "hf_0000000000000000000000000000000000");
    if (route->access.access == Access::application) {
      // A user's token is none of the application's credentials: it opens nothing there.
      CHECK(response.status >= 200);
      CHECK(response.headers.get("X-Error-Message") != "Invalid credentials in Authorization header");
    } else if (route->access.access == Access::signed_link) {
      CHECK(response.status == 403);
      CHECK(world.ask(*route, path + "?expires=9999999999999&signature=00", "alice/write").status == 403);
    } else {
      CHECK(response.status == 401);
      CHECK(response.headers.get("X-Error-Message") == "Invalid credentials in Authorization header");
    }
  }
}

TEST_CASE("access: signed-in and administrators' routes refuse the others") {
  const World world;
  for (const auto* route : all_routes()) {
    const auto access = route->access.access;
    const auto path = path_of(*route, "alice/seen", "models");
    INFO(route->method, " ", path);
    if (access == Access::signed_in || access == Access::site_admin) CHECK(world.ask(*route, path, "").status == 401);
    if (access == Access::site_admin) CHECK(world.ask(*route, path, "alice/write").status == 403);
  }
}

TEST_CASE("access: nobody can take the name of an address of the site") {
  for (const auto* route : all_routes()) {
    const auto path = route->pattern.substr(1);
    const auto first = path.substr(0, path.find('/'));
    if (first.empty() || contains(first, "{") || route->method != "GET") continue;
    INFO(route->pattern);
    CHECK_FALSE(hub::check_owner_name(first).ok());
  }
}

TEST_CASE("access: what spools its body is refused before a byte is read") {
  const World world;
  int asked = 0;
  for (const auto* route : all_routes()) {
    const bool spools = route->body != BodyMode::memory && route->body != BodyMode::pipe;
    if (!spools || route->access.access == Access::open) continue;
    const auto head = world.head(*route, path_of(*route, "alice/hidden", "models"), "");
    INFO(route->method, " ", head.path);
    CHECK(world.front->plan(head).admit_first);
    const auto refused = world.front->admit(head);
    REQUIRE(refused.has_value());
    CHECK((refused->status == 401 || refused->status == 403));
    ++asked;
  }
  CHECK(asked >= 1);
}

}  // namespace hearth::server
