#include "store/db.h"

#include <doctest/doctest.h>

#include <thread>

#include "base/files.h"
#include "base/text.h"

namespace hearth::store {
namespace {

constexpr Migration kFirst{"first", "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT UNIQUE)"};
constexpr Migration kSecond{"second", "ALTER TABLE t ADD COLUMN c REAL; CREATE INDEX t_c ON t (c)"};
constexpr const Migration* kSteps[] = {&kFirst, &kSecond};

struct Fixture {
  TempFolder temp;
  std::string path = path_join(temp.path(), "x.db");
  std::unique_ptr<Db> open(size_t steps = 2) {
    auto db = Db::open(path, std::span(kSteps).first(steps));
    REQUIRE_MESSAGE(db.ok(), db.status().message());
    return std::move(db).value();
  }
};

TEST_CASE_FIXTURE(Fixture, "db: values come back with their types") {
  auto db = open();
  REQUIRE(db->execute("INSERT INTO t VALUES ($1, $2, $3)", {int64_t{1} << 60, std::string("a\0b", 3), 0.5}).ok());
  REQUIRE(db->execute("INSERT INTO t VALUES ($2, $1, $1)", {nullptr, 2}).ok());
  const auto rows = db->query("SELECT a, b, c FROM t ORDER BY a DESC", {});
  REQUIRE(rows.ok());
  CHECK((*rows)[0][0].integer() == int64_t{1} << 60);
  CHECK((*rows)[0][1].text() == std::string("a\0b", 3));
  CHECK((*rows)[0][2].real() == 0.5);
  CHECK((*rows)[1][1].is_null());
  CHECK(!(*rows)[1][1].optional_text());
}

TEST_CASE_FIXTURE(Fixture, "db: migrations run once each, and a newer schema is refused") {
  { auto db = open(1); }
  { auto db = open(2); }
  auto db = open(2);
  CHECK(db->query("SELECT c FROM t", {}).ok());
  const auto older = Db::open(path, std::span(kSteps).first(1));
  CHECK(older.status().code() == Code::unsupported);
}

TEST_CASE_FIXTURE(Fixture, "db: a transaction that is dropped leaves nothing; a committed one stays") {
  auto db = open();
  {
    auto dropped = db->begin();
    REQUIRE(dropped.ok());
    REQUIRE(dropped->execute("INSERT INTO t (a) VALUES (1)").ok());
    CHECK(dropped->query("SELECT a FROM t")->size() == 1);
  }
  CHECK(db->query("SELECT a FROM t", {})->empty());
  {
    auto kept = db->begin();
    REQUIRE(kept->execute("INSERT INTO t (a, b) VALUES (1, 'x')").ok());
    REQUIRE(kept->commit().ok());
  }
  CHECK(db->execute("INSERT INTO t (a, b) VALUES (2, $1)", {"x"}).status().code() == Code::conflict);
  CHECK(db->query("SELECT a FROM t", {})->size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "db: writers in several threads and handles wait for each other") {
  auto one = open(), two = open();
  {
    std::vector<std::jthread> writers;
    for (auto* db : {one.get(), two.get()})
      for (int i = 0; i < 3; ++i)
        writers.emplace_back([db] {
          for (int n = 0; n < 20; ++n) {
            auto transaction = db->begin();
            CHECK(transaction.ok());
            CHECK(transaction->execute("INSERT INTO t (b) VALUES (NULL)").ok());
            CHECK(transaction->commit().ok());
          }
        });
  }
  CHECK((**one->query_one("SELECT count(*) FROM t"))[0].integer() == 120);
}

TEST_CASE("db: a file that is no database is named") {
  TempFolder temp;
  const auto path = path_join(temp.path(), "x.db");
  REQUIRE(write_file(path, std::string(5000, 'x')).ok());
  const auto db = Db::open(path, kSteps);
  CHECK(db.status().code() == Code::io);
  CHECK(contains(db.status().message(), path));
}

}  // namespace
}  // namespace hearth::store
