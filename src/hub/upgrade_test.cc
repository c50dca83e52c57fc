// A data folder as the first release (schema step "the hub" alone) left it is opened by this version.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "base/files.h"
#include "base/process.h"
#include "base/text.h"
#include "hub/commit.h"
#include "hub/hub.h"
#include "hub/index.h"
#include "hub/migrations_registry.h"
#include "hub/tree.h"

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

std::string list(const std::vector<std::string>& names) {
  return join(names, ", ");
}

// Copies the rows of every table that both have, in an order that suits the first schema's references.
void copy_rows(store::Db& from, store::Db& to) {
  std::map<std::string, std::vector<std::string>> columns;
  {
    auto snapshot = ok(to.snapshot());
    for (auto& table : ok(snapshot.tables())) columns[table.name] = table.columns;
  }
  auto snapshot = ok(from.snapshot());
  auto transaction = ok(to.begin());
  for (const std::string table : {"owners", "users", "tokens", "sessions", "login_links", "repos", "repo_aliases",
                                  "repo_objects", "repo_index"}) {
    REQUIRE(columns.count(table) == 1);
    std::vector<std::string> places;
    for (size_t i = 0; i < columns[table].size(); ++i) places.push_back(cat("$", i + 1));
    const auto insert = cat("INSERT INTO ", table, " (", list(columns[table]), ") VALUES (", list(places), ")");
    ok(snapshot.each(cat("SELECT ", list(columns[table]), " FROM ", table), [&](const store::Row& row) -> Status {
      TRY(transaction.execute(insert, std::span(row)));
      return {};
    }));
  }
  ok(transaction
         .execute("INSERT INTO repo_search (rowid, full_name) SELECT repos.id, owners.name || '/' || repos.name "
                  "FROM repos JOIN owners ON owners.id = repos.owner_id")
         .status()
         .clone());
  ok(transaction.commit());
}

TEST_CASE("upgrade: a folder of the first release keeps its accounts, repositories, files and signed addresses") {
  TempFolder temp;
  const auto here = path_join(temp.path(), "here"), released = path_join(temp.path(), "released");
  ok(make_folders(released));
  std::string token, commit_id, sha256;
  const auto steps = migrations::entries();
  const auto first = std::find_if(steps.begin(), steps.end(), [](const auto* step) { return step->name == "the hub"; });
  REQUIRE(first != steps.end());
  {
    auto hub = ok(Hub::open(here));
    const auto alice = ok(hub->accounts().create_user("alice", "correct horse"));
    token = ok(hub->accounts().create_token(alice, TokenRole::write, "laptop"));
    const auto repo = ok(hub->create_repo({.id = {RepoKind::model, "alice", "tiny-model"}}));
    sha256 = ok(hub->blobs().put(std::string(2000, 'x')));
    ok(hub->link_object(repo, sha256));
    commit_id = ok(create_commit(*hub, repo, {.user = alice, .role = TokenRole::write},
                                 {.branch = "main",
                                  .summary = "two files",
                                  .operations = {PutFile{"a.txt", "a"}, PutLfsFile{"b.bin", sha256, 2000}}}))
                    .id;
    auto old = ok(store::Db::open(path_join(released, "hearth.db"), std::span(&*first, 1)));
    copy_rows(hub->db(), *old);
  }
  for (const std::string_view name : {"repos", "objects"})
    REQUIRE(
        ok(run_process({.arguments = {"cp", "-r", path_join(here, name), path_join(released, name)}})).exit_status ==
        0);
  const std::string key(32, 'k');
  ok(write_file(path_join(released, "signing.key"), key));

  for (int opened = 0; opened < 2; ++opened) {
    auto hub = ok(Hub::open(released));
    ok(hub->recover());
    CHECK(ok(hub->accounts().login("ALICE", "correct horse")).name == "alice");
    const auto caller = ok(hub->accounts().caller_by_token(token));
    const auto repo = ok(hub->repo({RepoKind::model, "alice", "tiny-model"}));
    CHECK(ok(resolve_revision(*hub, repo, "main")) == commit_id);
    CHECK(ok(read_file(*hub, repo, "main", "a.txt", 100)) == "a");
    CHECK(ok(read_file(*hub, repo, "main", "b.bin", 4000)) == std::string(2000, 'x'));
    RepoQuery query;
    query.search = {"y-MOD"};
    CHECK(ok(list_repos(*hub, caller, query)).items.size() == 1);
    CHECK(ok(hub->secret("signing")) == key);
  }
}

}  // namespace
}  // namespace hearth::hub
