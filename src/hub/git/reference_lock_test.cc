#include "hub/git/reference_lock.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "base/files.h"
#include "base/process.h"
#include "base/text.h"
#include "hub/commit.h"
#include "hub/discussions.h"
#include "hub/history.h"
#include "hub/maintenance.h"
#include "hub/pull_requests.h"
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

struct Fixture {
  TestFolder temp;
  std::unique_ptr<Hub> hub = ok(Hub::open(temp.path()));
  Caller alice{.user = ok(hub->accounts().create_user("alice", "correct horse")), .role = TokenRole::write};
  Repo repo = ok(hub->create_repo({.id = {RepoKind::model, "alice", "tiny"}}));

  std::string lock(std::string_view ref) { return path_join(hub->git_folder(repo), cat(ref, ".lock")); }
  // As a process leaves it that was killed some time ago.
  void leave_lock(std::string_view ref) {
    const auto path = lock(ref);
    ok(make_folders(std::string(path_parent(path))));
    ok(write_file(path, ""));
    const timespec long_ago[2] = {{.tv_sec = 1'000'000'000, .tv_nsec = 0}, {.tv_sec = 1'000'000'000, .tv_nsec = 0}};
    REQUIRE(utimensat(AT_FDCWD, path.c_str(), long_ago, 0) == 0);
  }
  void commit(const std::string& branch, std::string path) {
    ok(create_commit(*hub, repo, alice,
                     {.branch = branch,
                      .summary = "a commit",
                      .description = {},
                      .parent = {},
                      .operations = {PutFile{std::move(path), "x"}}})
           .status()
           .clone());
  }
  void git(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"git", "-C", hub->git_folder(repo)});
    const auto done = ok(run_process({.arguments = arguments}));
    REQUIRE_MESSAGE(done.exit_status == 0, done.err);
  }
};

TEST_CASE_FIXTURE(Fixture, "reference lock: one that a killed process left stops no writer of branches and tags") {
  leave_lock("refs/heads/dev");
  ok(create_branch(*hub, repo, alice, "dev"));
  leave_lock("refs/heads/dev");
  ok(create_branch(*hub, repo, alice, "dev", {.overwrite = true}));
  leave_lock("refs/tags/light");
  ok(create_tag(*hub, repo, *alice.user, "light", "main", ""));
  leave_lock("refs/tags/v1");
  ok(create_tag(*hub, repo, *alice.user, "v1", "main", "the first"));
  leave_lock("refs/heads/main");
  ok(super_squash(*hub, repo, alice, "main", "").status().clone());
  leave_lock("refs/heads/dev");
  ok(delete_branch(*hub, repo, alice, "dev"));
  leave_lock("refs/tags/v1");
  ok(delete_tag(*hub, repo, *alice.user, "v1"));
  for (const auto* ref : {"refs/heads/dev", "refs/heads/main", "refs/tags/light", "refs/tags/v1"})
    CHECK_MESSAGE(!git::is_reference_locked(hub->git_folder(repo), ref), ref);
  const auto refs = ok(list_refs(*hub, repo));
  CHECK(refs.branches.size() == 1);
  REQUIRE(refs.tags.size() == 1);
  CHECK(refs.tags[0].name == "light");
}

TEST_CASE_FIXTURE(Fixture, "reference lock: that of packed references stops no deletion") {
  ok(create_branch(*hub, repo, alice, "dev"));
  ok(create_tag(*hub, repo, *alice.user, "v1", "main", ""));
  git({"pack-refs", "--all"});
  leave_lock("packed-refs");
  ok(delete_branch(*hub, repo, alice, "dev"));
  leave_lock("packed-refs");
  ok(delete_tag(*hub, repo, *alice.user, "v1"));
  CHECK(!exists(lock("packed-refs")));
  CHECK(ok(list_refs(*hub, repo)).branches.size() == 1);
  CHECK(ok(list_refs(*hub, repo)).tags.empty());
}

TEST_CASE_FIXTURE(Fixture, "reference lock: a killed process stops no pull request, opened, merged or deleted") {
  leave_lock("refs/pr/1");
  ok(open_pull_request(*hub, repo, alice, {.title = "A change"}).status().clone());
  commit("refs/pr/1", "a.txt");
  leave_lock("refs/heads/main");
  CHECK(ok(merge_pull_request(*hub, repo, alice, 1, "")).status == DiscussionStatus::merged);
  leave_lock("refs/pr/1");
  ok(delete_discussion(*hub, repo, alice, 1));
  CHECK(ok(list_refs(*hub, repo)).pull_requests.empty());
}

TEST_CASE_FIXTURE(Fixture, "reference lock: a living writer's is waited for") {
  ok(write_file(lock("refs/tags/v1"), ""));
  std::jthread writer([&] {
    poll(nullptr, 0, 100);
    unlink(lock("refs/tags/v1").c_str());
  });
  ok(create_tag(*hub, repo, *alice.user, "v1", "main", ""));
}

}  // namespace
}  // namespace hearth::hub
