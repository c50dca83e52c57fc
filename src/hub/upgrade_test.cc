// A data folder as the first release (schema step "the hub" alone) left it is opened by this version, also when that is
// killed half way.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <random>

#include "base/files.h"
#include "base/process.h"
#include "base/text.h"
#include "hub/commit.h"
#include "hub/configuration.h"
#include "hub/hub.h"
#include "hub/index.h"
#include "hub/migrations_registry.h"
#include "hub/tree.h"
#include "store/testing.h"

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

std::span<const store::Migration* const> first_step() {
  const auto steps = migrations::entries();
  const auto first = std::find_if(steps.begin(), steps.end(), [](const auto* step) { return step->name == "the hub"; });
  REQUIRE(first != steps.end());
  return std::span(&*first, 1);
}

/// A data folder as the first release left it, with one account, one repository and two files.
struct Released {
  TempFolder temp;
  const std::string folder = path_join(temp.path(), "released");
  const std::string key = std::string(32, 'k');
  std::string token, commit_id;

  Released() {
    const auto here = path_join(temp.path(), "here");
    ok(make_folders(folder));
    {
      auto hub = ok(Hub::open(here));
      const auto alice = ok(hub->accounts().create_user("alice", "correct horse"));
      token = ok(hub->accounts().create_token(alice, TokenRole::write, "laptop"));
      const auto repo = ok(hub->create_repo({.id = {RepoKind::model, "alice", "tiny-model"}}));
      const auto sha256 = ok(hub->blobs().put(std::string(2000, 'x')));
      ok(hub->link_object(repo, sha256));
      commit_id = ok(create_commit(*hub, repo, {.user = alice, .role = TokenRole::write},
                                   {.branch = "main",
                                    .summary = "two files",
                                    .operations = {PutFile{"a.txt", "a"}, PutLfsFile{"b.bin", sha256, 2000}}}))
                      .id;
      auto old = ok(store::Db::open(path_join(folder, "hearth.db"), first_step()));
      copy_rows(hub->db(), *old);
    }
    for (const std::string_view name : {"repos", "objects"}) copy(path_join(here, name), path_join(folder, name));
    ok(write_file(path_join(folder, "signing.key"), key));
  }

  static void copy(const std::string& from, const std::string& to) {
    REQUIRE(ok(run_process({.arguments = {"cp", "-r", from, to}})).exit_status == 0);
  }

  void check(const std::string& opened) const {
    auto hub = ok(Hub::open(opened));
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
};

TEST_CASE("upgrade: a folder of the first release keeps its accounts, repositories, files and signed addresses") {
  const Released released;
  for (int opened = 0; opened < 2; ++opened) released.check(released.folder);
}

// ---- kill -9 while the schema changes ----

using Schema = std::vector<std::string>;

/// Tables, columns, indexes and steps, as text.
Schema schema_of(store::Db& db) {
  Schema out;
  auto snapshot = ok(db.snapshot());
  for (const auto& table : ok(snapshot.tables())) out.push_back(cat(table.name, ": ", list(table.columns)));
  const bool sqlite = !db.description().starts_with("postgresql:");
  for (const auto* sql : {sqlite ? "SELECT coalesce(sql, name) FROM sqlite_master"
                                 : "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()",
                          "SELECT name FROM migrations"})
    ok(snapshot.each(sql, [&](const store::Row& row) {
      out.push_back(row[0].text());
      return Status();
    }));
  std::sort(out.begin(), out.end());
  return out;
}

/// Opens a hub in a process of its own and kills that after `wait_us`; answers whether it came to its end before.
bool open_and_kill(const std::string& folder, int64_t wait_us) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto hub = Hub::open(folder);
    ::_exit(hub.ok() && (*hub)->recover().ok() ? 0 : 1);
  }
  ::usleep(static_cast<useconds_t>(wait_us));
  ::kill(child, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE((WIFSIGNALED(status) || WEXITSTATUS(status) == 0));
  return WIFEXITED(status);
}

/// A share of HEARTH_CRASHES (100 when unset), the number of points in all tests that kill.
int64_t crashes(int64_t percent) {
  return std::max<int64_t>(3, parse_int(env("HEARTH_CRASHES")).value_or(100) * percent / 100);
}

int64_t microseconds(const std::function<void()>& work) {
  const auto begun = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun).count();
}

TEST_CASE("upgrade: killed at any point it is taken up again, and the schema is whole") {
  const Released released;
  Schema whole;
  int64_t whole_us = 0;
  {
    const auto folder = path_join(released.temp.path(), "fresh");
    ok(Hub::open(folder));
    whole = schema_of(*ok(store::Db::open(path_join(folder, "hearth.db"), migrations::entries())));
    const auto copy = path_join(released.temp.path(), "timed");
    Released::copy(released.folder, copy);
    whole_us = microseconds([&] { open_and_kill(copy, 0); });  // a first one, for what only it pays
    whole_us = microseconds([&] { ok(ok(Hub::open(copy))->recover()); });
  }
  std::mt19937_64 dice(std::random_device{}());
  int64_t cut = 0;
  for (int64_t point = 0; point < crashes(15); ++point) {
    const auto folder = path_join(released.temp.path(), cat("cut", point));
    Released::copy(released.folder, folder);
    for (int again = 0; again < 2; ++again)
      cut += !open_and_kill(folder, static_cast<int64_t>(dice() % static_cast<uint64_t>(whole_us)));
    released.check(folder);
    CHECK(schema_of(*ok(store::Db::open(path_join(folder, "hearth.db"), migrations::entries()))) == whole);
    ok(remove_all(folder));
  }
  CHECK(cut > 0);
}

TEST_CASE("upgrade: on PostgreSQL too a killed one leaves all of it or nothing") {
  TempFolder temp;
  const auto folder_on = [&](std::string_view name, const std::string& database) {
    auto folder = path_join(temp.path(), name);
    ok(make_folders(folder));
    ok(configure(folder, {.database = database}));
    return folder;
  };
  const auto fresh = store::new_test_database();
  const auto whole_us = microseconds([&] { ok(Hub::open(folder_on("fresh", fresh))); });
  const auto whole = schema_of(*ok(store::Db::open(fresh, migrations::entries())));
  std::mt19937_64 dice(std::random_device{}());
  for (int64_t point = 0; point < crashes(5); ++point) {
    const auto database = store::new_test_database();
    ok(ok(store::Db::open(database, first_step()))
           ->execute("INSERT INTO owners (name, kind, created_ms) VALUES ('alice', 'user', 1)"));
    const auto folder = folder_on(cat("cut", point), database);
    open_and_kill(folder, static_cast<int64_t>(dice() % static_cast<uint64_t>(whole_us)));
    auto db = ok(store::Db::open(database, migrations::entries()));
    CHECK(schema_of(*db) == whole);
    CHECK(ok(db->query("SELECT name FROM owners", {})).size() == 1);
  }
}

}  // namespace
}  // namespace hearth::hub
