#include "hub/owners.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "hub/audit.h"
#include "hub/commit.h"
#include "hub/resource_groups.h"
#include "hub/testing.h"

namespace hearth::hub {
namespace {

template <class T>
T ok(Result<T> result) {
  REQUIRE_MESSAGE(result.ok(), result.status().message());
  return std::move(result).value();
}
void ok(const Status& status) {
  REQUIRE_MESSAGE(status.ok(), status.message());
}

struct Club {
  TestFolder temp;
  std::unique_ptr<Hub> hub = ok(Hub::open(temp.path()));
  User ann = ok(hub->accounts().create_user("ann", "a long password"));
  User bob = ok(hub->accounts().create_user("bob", "a long password"));
  Org club = ok(create_org(*hub, {.name = "club"}, ann));

  Repo repo(std::string owner, std::string name, bool is_private = false) {
    return ok(hub->create_repo(
        {.id = {RepoKind::model, std::move(owner), std::move(name)}, .is_private = is_private, .creator_id = ann.id}));
  }
  Status put(const Repo& into, std::string path, size_t bytes) {
    NewCommit commit;
    commit.branch = "main";
    commit.summary = "more";
    commit.operations.emplace_back(PutFile{std::move(path), std::string(bytes, 'x')});
    return create_commit(*hub, into, ok(hub->accounts().caller_of(ann)), commit).status().clone();
  }
  Caller as(const User& who) { return ok(hub->accounts().caller_of(who)); }
};

}  // namespace

TEST_CASE_FIXTURE(Club, "owners: a renamed one keeps repositories, and the old names lead to them") {
  const auto song = repo("club", "song");
  ok(rename_owner(*hub, ok(find_owner(*hub, "CLUB")), "choir"));
  CHECK(ok(hub->repo({RepoKind::model, "club", "song"})).full_name() == "choir/song");
  CHECK(ok(hub->repo_by_number(song.id)).owner == "choir");
  const auto choir = ok(find_owner(*hub, "choir"));
  CHECK(rename_owner(*hub, choir, "Bob").code() == Code::conflict);
  CHECK(rename_owner(*hub, choir, "settings").code() == Code::bad_input);
  ok(rename_owner(*hub, choir, "Choir"));  // another letter case
  ok(rename_owner(*hub, choir, "club"));   // and back
  CHECK(ok(hub->repo({RepoKind::model, "club", "song"})).full_name() == "club/song");
  CHECK(ok(hub->repo({RepoKind::model, "choir", "song"})).full_name() == "club/song");
}

TEST_CASE_FIXTURE(Club, "owners: nobody else takes the name that one had") {
  repo("club", "song");
  ok(rename_owner(*hub, ok(find_owner(*hub, "club")), "choir"));
  CHECK(hub->accounts().create_user("Club", "a long password").status().code() == Code::conflict);
  CHECK(create_org(*hub, {.name = "club"}, bob).status().code() == Code::conflict);
  CHECK(rename_owner(*hub, ok(find_owner(*hub, "bob")), "club").code() == Code::conflict);
  ok(delete_owner(*hub, ok(find_owner(*hub, "choir")), true));
  CHECK(ok(hub->accounts().create_user("club", "a long password")).name == "club");
}

TEST_CASE_FIXTURE(Club, "owners: none goes while it has repositories or an organisation hangs on it") {
  repo("club", "song");
  CHECK(delete_owner(*hub, ok(find_owner(*hub, "ann")), true).code() == Code::conflict);
  CHECK(delete_owner(*hub, ok(find_owner(*hub, "club")), false).code() == Code::conflict);
  ok(delete_owner(*hub, ok(find_owner(*hub, "club")), true));
  CHECK(hub->repo({RepoKind::model, "club", "song"}).status().code() == Code::repo_not_found);
  const auto token = ok(hub->accounts().create_token(ann, TokenRole::write, "t"));
  ok(delete_owner(*hub, ok(find_owner(*hub, "ann")), false));
  CHECK(hub->accounts().caller_by_token(token).status().code() == Code::unauthenticated);
  CHECK(ok(hub->accounts().create_user("club", "a long password")).name == "club");
}

TEST_CASE_FIXTURE(Club, "quotas: the byte that is too much is refused, the one before is not") {
  const auto open = repo("club", "open"), hidden = repo("club", "hidden", /*is_private=*/true);
  ok(put(open, "a", 1000));
  ok(put(hidden, "a", 1000));
  const auto usage = ok(usage_of(*hub, club.id));
  CHECK(usage.storage_bytes > 2000);
  CHECK(usage.private_bytes > 1000);
  CHECK(usage.private_bytes < usage.storage_bytes);
  ok(set_quota(*hub, club.id, {.storage_bytes = usage.storage_bytes + 500}));
  ok(check_quota(*hub, open, 500));
  CHECK(check_quota(*hub, open, 501).code() == Code::forbidden);
  CHECK(check_quota(*hub, open, UINT64_MAX).code() == Code::forbidden);
  CHECK(put(open, "b", 501).code() == Code::forbidden);
  ok(put(open, "b", 500));
  CHECK(put(open, "c", 1).code() == Code::forbidden);
  ok(set_quota(*hub, club.id, {.private_bytes = usage.private_bytes}));
  CHECK(put(hidden, "b", 1).code() == Code::forbidden);
  ok(put(open, "c", 1));
  ok(set_quota(*hub, club.id, {}));
  ok(put(hidden, "b", 1));
  CHECK(ok(owned_repos(*hub, club.id)).size() == 2);
}

TEST_CASE_FIXTURE(Club, "quotas: stored files count once they are linked") {
  const auto open = repo("club", "open");
  const auto before = ok(usage_of(*hub, club.id)).storage_bytes;
  const auto sha256 = ok(hub->blobs().put(std::string(5000, 'y')));
  ok(set_quota(*hub, club.id, {.storage_bytes = 4999}));
  CHECK(hub->link_object(open, sha256).code() == Code::forbidden);
  ok(set_quota(*hub, club.id, {.storage_bytes = before + 5000}));
  ok(hub->link_object(open, sha256));
  ok(hub->link_object(open, sha256));  // again: nothing more
  CHECK(ok(usage_of(*hub, club.id)).storage_bytes == 5000);
}

TEST_CASE_FIXTURE(Club, "resource groups: the group's role counts in place of the organisation's") {
  ok(set_member(*hub, club, bob, OrgRole::write));
  const auto lab = ok(create_group(*hub, club, "lab", ""));
  const auto song = repo("club", "song", /*is_private=*/true);
  CHECK(check_access(as(bob), song, Right::write).ok());
  CHECK(set_group(*hub, as(bob), song, lab.id).code() == Code::forbidden);
  ok(set_group(*hub, as(ann), song, lab.id));
  const auto inside = ok(hub->repo_by_number(song.id));
  CHECK(check_access(as(bob), inside, Right::metadata).code() == Code::repo_not_found);
  CHECK(check_access(as(ann), inside, Right::admin).ok());
  ok(set_group_member(*hub, lab, bob, OrgRole::read));
  CHECK(check_access(as(bob), inside, Right::content).ok());
  CHECK(check_access(as(bob), inside, Right::write).code() == Code::forbidden);
  CHECK(check_create(as(bob), "club", lab.id).code() == Code::forbidden);
  CHECK(check_create(as(bob), "club").ok());
  const auto carol = ok(hub->accounts().create_user("carol", "a long password"));
  CHECK(set_group_member(*hub, lab, carol, OrgRole::read).code() == Code::bad_input);
  CHECK(set_group_member(*hub, lab, bob, OrgRole::no_access).code() == Code::bad_input);
  CHECK(create_group(*hub, club, "LAB", "").status().code() == Code::conflict);
  // Another organisation's group is none of this repository's.
  const auto other = ok(create_org(*hub, {.name = "other"}, ann));
  const auto foreign = ok(create_group(*hub, other, "lab", ""));
  CHECK(set_group(*hub, as(ann), inside, foreign.id).code() == Code::not_found);
  CHECK(hub->create_repo({.id = {RepoKind::model, "club", "x"}, .resource_group_id = foreign.id}).status().code() ==
        Code::not_found);
  ok(remove_member(*hub, club, bob));
  CHECK(ok(group_members(*hub, lab)).empty());
  ok(delete_group(*hub, lab));
  CHECK(ok(hub->repo_by_number(song.id)).resource_group_id == 0);
}

TEST_CASE_FIXTURE(Club, "audit: entries by owner, person, action and page; cells that are no formulas") {
  for (int i = 0; i < 3; ++i)
    ok(record_audit(*hub, {.actor = "ann",
                           .actor_id = ann.id,
                           .action = "repo.create",
                           .owner_id = club.id,
                           .target = cat("model club/", i)}));
  ok(record_audit(*hub,
                  {.actor = "Bob", .actor_id = bob.id, .action = "repository", .owner_id = bob.id, .target = "=1+1"}));
  const auto count = [&](AuditQuery query) { return ok(list_audit(*hub, query)).size(); };
  CHECK(count({.owner_id = club.id}) == 3);
  CHECK(count({.action = "repo"}) == 3);
  CHECK(count({.action = "repo.create"}) == 3);
  CHECK(count({.actor = "bob"}) == 1);
  CHECK(count({.since_ms = INT64_MAX}) == 0);
  const auto first = ok(list_audit(*hub, {.owner_id = club.id, .limit = 2}));
  REQUIRE(first.size() == 2);
  CHECK(first[0].target == "model club/2");
  CHECK(count({.owner_id = club.id, .before_id = first[1].id}) == 1);
  CHECK(contains(audit_csv(ok(list_audit(*hub, {.actor = "bob"}))[0]), "\"'=1+1\""));
}

}  // namespace hearth::hub
