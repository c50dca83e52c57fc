#include "jobs/queue.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "jobs/runner.h"

namespace hearth::jobs {
namespace {

constexpr store::Migration kSchema{"jobs", R"sql(
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, job_key TEXT NOT NULL DEFAULT '',
  payload TEXT NOT NULL DEFAULT '{}', state TEXT NOT NULL DEFAULT 'waiting', run_at_ms INTEGER NOT NULL,
  lease_until_ms INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL);
CREATE UNIQUE INDEX jobs_waiting ON jobs (kind, job_key) WHERE state = 'waiting' AND job_key <> '')sql"};
constexpr const store::Migration* kSteps[] = {&kSchema};

struct Fixture {
  TempFolder temp;
  std::unique_ptr<store::Db> db = *store::Db::open(path_join(temp.path(), "x.db"), kSteps);
  Queue queue{*db};

  int64_t count(std::string_view state) { return static_cast<int64_t>(queue.list(state, 100)->size()); }
  template <class Done>
  bool eventually(Done done) {
    for (const auto end = monotonic_ms() + 10'000; monotonic_ms() < end;) {
      if (done()) return true;
      std::this_thread::yield();
    }
    return false;
  }
};

TEST_CASE_FIXTURE(Fixture,
                  "jobs: a waiting job with a key is there once, with the newest payload and the earlier time") {
  REQUIRE(queue.add({.kind = "scan", .key = "repo:1", .payload = Json::Object{{"n", 1}}, .run_at_ms = 50}).ok());
  REQUIRE(queue.add({.kind = "scan", .key = "repo:1", .payload = Json::Object{{"n", 2}}, .run_at_ms = 90}).ok());
  REQUIRE(queue.add({.kind = "scan", .payload = Json::Object{{"n", 3}}, .run_at_ms = 100}).ok());
  REQUIRE(queue.add({.kind = "scan", .payload = Json::Object{{"n", 4}}, .run_at_ms = 101}).ok());
  const auto rows = queue.list("waiting", 10);
  REQUIRE(rows->size() == 3);
  CHECK((*rows)[0].run_at_ms == 50);
  CHECK((*rows)[0].job.payload["n"].as_int() == 2);
}

TEST_CASE_FIXTURE(Fixture, "jobs: one taker has a job, another gets it only after the lease") {
  REQUIRE(queue.add({.kind = "scan"}).ok());
  const auto first = queue.take(/*lease_ms=*/60'000);
  REQUIRE(first->has_value());
  CHECK((*first)->attempt == 1);
  CHECK(!queue.take(60'000)->has_value());
  REQUIRE(queue.renew(**first, -1).ok());
  const auto second = queue.take(60'000);
  REQUIRE(second->has_value());
  CHECK((*second)->attempt == 2);
  REQUIRE(queue.done(**second).ok());
  CHECK(queue.list("", 10)->empty());
}

TEST_CASE_FIXTURE(Fixture, "jobs: work added while it runs is not lost when the running one fails") {
  REQUIRE(queue.add({.kind = "scan", .key = "a", .payload = Json::Object{{"n", 1}}}).ok());
  const auto job = queue.take(60'000);
  REQUIRE(queue.add({.kind = "scan", .key = "a", .payload = Json::Object{{"n", 2}}}).ok());
  REQUIRE(queue.retry(**job, "disk", 0).ok());
  const auto rows = queue.list("", 10);
  REQUIRE(rows->size() == 1);
  CHECK((*rows)[0].job.payload["n"].as_int() == 2);
}

TEST_CASE_FIXTURE(Fixture,
                  "jobs: the runner runs what is due, keeps what fails to the end, and comes back to the periodic") {
  std::atomic<int> good = 0, ticks = 0;
  REQUIRE(queue.add({.kind = "good", .key = "1"}).ok());
  REQUIRE(queue.add({.kind = "bad"}).ok());
  REQUIRE(queue.add({.kind = "throws"}).ok());
  {
    const Runner runner(
        *db,
        {{.name = "good", .run = [&](const Job&, std::stop_token) { return ++good, Status(); }},
         {.name = "bad",
          .run = [](const Job&, std::stop_token) { return Status(Code::io, "no disk"); },
          .attempts_max = 1},
         {.name = "throws",
          .run = [](const Job&, std::stop_token) -> Status { throw std::runtime_error("odd"); },
          .attempts_max = 1},
         {.name = "tick", .run = [&](const Job&, std::stop_token) { return ++ticks, Status(); }, .every_ms = 1}},
        {.threads = 2, .poll_ms = 1});
    CHECK(eventually([&] { return good == 1 && ticks >= 3 && count("failed") == 2; }));
  }
  const auto failed = queue.list("failed", 10);
  REQUIRE(failed->size() == 2);
  CHECK((*failed)[0].error == "no disk");
  CHECK((*failed)[1].error == "odd");
  REQUIRE(queue.requeue((*failed)[0].job.id).ok());
  CHECK(count("failed") == 1);
}

TEST_CASE_FIXTURE(Fixture, "jobs: what waits for strangers holds up neither other work nor other strangers") {
  std::atomic<int> slow = 0, told = 0, scanned = 0;
  const auto hang = [&](const Job& job, const std::stop_token& stop) {
    if (job.key.starts_with("to:slow/")) {
      ++slow;
      while (!stop.stop_requested()) std::this_thread::yield();
    }
    ++told;
    return Status();
  };
  for (int i = 0; i < 5; ++i) REQUIRE(queue.add({.kind = "tell", .key = cat("to:slow/", i)}).ok());
  REQUIRE(queue.add({.kind = "tell", .key = "to:good/1"}).ok());
  REQUIRE(queue.add({.kind = "tell", .key = "to:good/2"}).ok());
  REQUIRE(queue.add({.kind = "scan"}).ok());
  Runner runner(*db,
                {{.name = "tell", .run = hang, .threads = 2},
                 {.name = "scan", .run = [&](const Job&, const std::stop_token&) { return ++scanned, Status(); }}},
                {.threads = 1, .poll_ms = 1});
  CHECK(eventually([&] { return told == 2 && scanned == 1; }));
  CHECK(slow == 1);
}

TEST_CASE_FIXTURE(Fixture, "jobs: a stop ends a running job soon, and it waits for the next runner") {
  REQUIRE(queue.add({.kind = "long"}).ok());
  std::atomic<bool> started = false;
  {
    const Runner runner(*db,
                        {{.name = "long",
                          .run =
                              [&](const Job&, std::stop_token stop) {
                                started = true;
                                while (!stop.stop_requested()) std::this_thread::yield();
                                return Status(Code::cancelled, "the hub stops");
                              }}},
                        {.threads = 1, .poll_ms = 1});
    CHECK(eventually([&] { return started.load(); }));
  }
  CHECK(count("waiting") == 1);
}

}  // namespace
}  // namespace hearth::jobs
