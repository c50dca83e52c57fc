#include <doctest/doctest.h>

#include "base/files.h"
#include "hub/hub.h"

namespace hearth::hub {
namespace {

TEST_CASE("kinds: every kind of repository can be made; all but buckets have git, and a restart keeps them") {
  TempFolder temp;
  {
    const auto hub = *Hub::open(temp.path());
    REQUIRE(hub->accounts().create_user("alice", "a long password").ok());
    for (const auto kind : kAllKinds) {
      const auto repo = hub->create_repo({.id = {kind, "alice", "x"}, .sdk = "static"});
      REQUIRE_MESSAGE(repo.ok(), repo.status().message());
      CHECK(repo->kind == kind);
      CHECK(exists(hub->git_folder(*repo)) == has_git(kind));
    }
    CHECK(hub->create_repo({.id = {RepoKind::bucket, "alice", "X"}}).status().code() == Code::conflict);
  }
  const auto hub = *Hub::open(temp.path());
  REQUIRE(hub->recover().ok());
  for (const auto kind : kAllKinds) CHECK(hub->repo({kind, "alice", "x"})->kind == kind);
}

TEST_CASE("kinds: their words in JSON, in paths and before an id") {
  for (const auto kind : kAllKinds) {
    CHECK(*parse_kind(kind_name(kind)) == kind);
    CHECK(*parse_kind(kind_plural(kind)) == kind);
    CHECK(kind_prefix(kind) == (kind == RepoKind::model ? "" : std::string(kind_plural(kind)) + "/"));
  }
  CHECK(parse_kind("MODEL").status().code() == Code::bad_input);
}

}  // namespace
}  // namespace hearth::hub
