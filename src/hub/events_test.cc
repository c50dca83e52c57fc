#include "hub/events.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "hub/commit.h"
#include "hub/history.h"
#include "hub/testing.h"

namespace hearth::hub {
namespace {

TEST_CASE("events: every change of a repository leaves one, in order, with who did it") {
  TestFolder temp;
  const auto hub = *Hub::open(temp.path());
  Caller alice;
  alice.user = *hub->accounts().create_user("alice", "a long password");
  const auto repo = *hub->create_repo({.id = {RepoKind::model, "alice", "m"}});
  const auto before = *head(*hub, repo);
  const auto done =
      *create_commit(*hub, repo, alice, {.branch = "main", .summary = "one", .operations = {PutFile{"a.txt", "a"}}});
  REQUIRE(hub->update_settings(repo, {.is_private = true}, "alice").ok());
  const auto moved = *hub->move_repo(repo, {RepoKind::model, "alice", "n"}, "alice");
  REQUIRE(hub->delete_repo(moved, "alice").ok());

  const auto events = *events_after(hub->db(), 0, 100);
  std::vector<std::string> kinds;
  for (const auto& stored : events) {
    kinds.push_back(stored.event.kind);
    CHECK(stored.event.actor == "alice");
    CHECK(stored.event.repo_id == repo.id);
  }
  CHECK(kinds == std::vector<std::string>{"repo.create", "repo.content", "repo.config", "repo.move", "repo.delete"});
  const auto& update = events[1].event.data["updatedRefs"].array().at(0);
  CHECK(update["ref"].as_string() == "refs/heads/main");
  CHECK(update["oldSha"].as_string() == before);
  CHECK(update["newSha"].as_string() == done.id);
  CHECK(events[2].event.data.dump() == R"({"private":true})");
  CHECK(events[3].event.data["from"].as_string() == "alice/m");
  CHECK(events_after(hub->db(), events[3].id, 100)->size() == 1);

  // Nobody has read them: nothing is forgotten, whatever its age.
  REQUIRE(forget_events(hub->db(), events[4].at_ms + 1).ok());
  CHECK(*last_event(hub->db()) == events[4].id);
  REQUIRE(hub->db().execute("INSERT INTO event_cursors (reader, event_id) VALUES ('jobs', $1)", {events[2].id}).ok());
  REQUIRE(forget_events(hub->db(), events[4].at_ms + 1).ok());
  CHECK(events_after(hub->db(), 0, 100)->size() == 2);
}

TEST_CASE("events: a main that moved without its event gets one at the next start") {
  TestFolder temp;
  const auto hub = *Hub::open(temp.path());
  Caller alice;
  alice.user = *hub->accounts().create_user("alice", "a long password");
  const auto repo = *hub->create_repo({.id = {RepoKind::model, "alice", "m"}});
  const auto last = *last_event(hub->db());
  REQUIRE(hub->recover().ok());
  CHECK(*last_event(hub->db()) == last);
  REQUIRE(hub->db().execute("UPDATE repo_index SET head = '0000000000000000000000000000000000000001'").ok());
  REQUIRE(hub->recover().ok());
  const auto events = *events_after(hub->db(), last, 10);
  REQUIRE(events.size() == 1);
  CHECK(events[0].event.data["updatedRefs"].array().at(0)["newSha"].as_string() == *head(*hub, repo));
}

}  // namespace
}  // namespace hearth::hub
