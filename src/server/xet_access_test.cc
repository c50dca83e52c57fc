// Xet tokens open what they are for and nothing else: every row of the content store is asked with every wrong one.
#include <doctest/doctest.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "server/router.h"
#include "server/server.h"
#include "server/xet_grant.h"

namespace hearth::server {
namespace {

struct World {
  World() {
    auto opened = hub::Hub::open(folder.path() + "/data");
    REQUIRE(opened.ok());
    hub = std::move(*opened);
    for (const auto name : {"alice", "bob"}) REQUIRE(hub->accounts().create_user(name, "a long password").ok());
    auto made = hub->create_repo({.id = {hub::RepoKind::model, "alice", "hidden"}, .is_private = true});
    REQUIRE(made.ok());
    repo = *made;
    auto signer = Signer::open(*hub);
    REQUIRE(signer.ok());
    services = std::make_unique<Services>(Services{.hub = *hub, .signer = *signer, .web_folder = folder.path()});
    front = std::make_unique<Front>(*services);
  }
  std::string token(XetRight right, std::string_view user, int64_t lifetime_ms = 60'000) const {
    return sign_xet_grant(
        services->signer,
        {.right = right, .repo = repo.id, .user = std::string(user), .expires_ms = now_ms() + lifetime_ms});
  }
  std::optional<Response> refusal(const Route& route, std::string_view bearer) const {
    std::string path;
    for (const auto segment : split(route.pattern.substr(1), '/'))
      path += segment == "{prefix}"      ? std::string("/default")
              : segment.starts_with('{') ? cat("/", std::string(64, 'a'))
                                         : cat("/", segment);
    return front->admit({.method = std::string(route.method),
                         .target = path,
                         .path = path,
                         .query = {},
                         .headers = {{"Host", "hub"}, {"Authorization", cat("Bearer ", bearer)}},
                         .remote_address = "127.0.0.1"});
  }

  TempFolder folder;
  std::unique_ptr<hub::Hub> hub;
  hub::Repo repo;
  std::unique_ptr<Services> services;
  std::unique_ptr<Front> front;
};

}  // namespace

TEST_CASE("xet access: a token is for its right, its time and its signer's words") {
  World world;
  int asked = 0;
  for (const auto* route : all_routes()) {
    const auto access = route->access.access;
    if (access != Access::xet_read && access != Access::xet_write) continue;
    INFO(route->method, " ", route->pattern);
    ++asked;
    const auto good = world.token(XetRight::write, "alice");
    CHECK(!world.refusal(*route, good));
    const auto reading = world.refusal(*route, world.token(XetRight::read, "alice"));
    CHECK(reading.has_value() == (access == Access::xet_write));
    if (reading) CHECK(reading->status == 403);
    const auto hub_token =
        world.hub->accounts().create_token(*world.hub->accounts().user("alice"), hub::TokenRole::write, "t");
    for (const auto& wrong : {world.token(XetRight::write, "alice", -1), good + "x", replace_all(good, "alice", "bob"),
                              replace_all(good, "write.", "offer."), *hub_token, std::string("xet_"), std::string()}) {
      const auto refused = world.refusal(*route, wrong);
      REQUIRE(refused.has_value());
      CHECK(refused->status == 401);
    }
  }
  CHECK(asked >= 7);
}

TEST_CASE("xet access: who lost the repository has a token for nothing") {
  World world;
  const auto alice = world.token(XetRight::write, "alice"), bob = world.token(XetRight::write, "bob"),
             bob_reads = world.token(XetRight::read, "bob");
  int asked = 0;
  for (const auto* route : all_routes()) {
    const auto access = route->access.access;
    if (access != Access::xet_read && access != Access::xet_write) continue;
    INFO(route->method, " ", route->pattern);
    ++asked;
    for (const auto& token : {bob, bob_reads}) {
      const auto refused = world.refusal(*route, token);
      REQUIRE(refused.has_value());
      CHECK((refused->status == 404 || refused->status == 403));
    }
  }
  REQUIRE(world.hub->delete_repo(world.repo).ok());
  for (const auto* route : all_routes())
    if (route->access.access == Access::xet_write) CHECK(world.refusal(*route, alice).has_value());
  CHECK(asked >= 7);
}

}  // namespace hearth::server
