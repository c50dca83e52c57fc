#include "store/db.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "base/files.h"
#include "base/text.h"
#include "store/testing.h"

namespace hearth::store {
namespace {

constexpr Migration kFirst{"first",
                           "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT UNIQUE, d BLOB);"
                           "CREATE TABLE names (name TEXT NOT NULL COLLATE NOCASE UNIQUE, t_a INTEGER REFERENCES t (a) "
                           "ON DELETE CASCADE)"};
constexpr Migration kSecond{"second", "ALTER TABLE t ADD COLUMN c REAL; CREATE INDEX t_c ON t (c)"};
constexpr const Migration* kSteps[] = {&kFirst, &kSecond};

// Every test runs on both engines.
struct Fixture {
  TempFolder temp;
  std::string where;
  Fixture() {
    SUBCASE("SQLite") {
      where = path_join(temp.path(), "x.db");
    }
    SUBCASE("PostgreSQL") {
      where = new_test_database();
    }
  }
  bool is_sqlite() const { return where.starts_with('/'); }
  std::unique_ptr<Db> open(size_t steps = 2) {
    auto db = Db::open(where, std::span(kSteps).first(steps));
    REQUIRE_MESSAGE(db.ok(), db.status().message());
    return std::move(db).value();
  }
};

TEST_CASE_FIXTURE(Fixture, "db: values come back with their types") {
  auto db = open();
  const std::string bytes("a\0\xff", 3);
  REQUIRE(db->execute("INSERT INTO t (a, b, c, d) VALUES ($1, $2, $3, $4)", {int64_t{1} << 60, "\u00e9'", 0.5, bytes})
              .ok());
  REQUIRE(db->execute("INSERT INTO t (a, b, c) VALUES ($2, $1, $1)", {nullptr, 2}).ok());
  const auto rows = db->query("SELECT a, b, c, d FROM t ORDER BY a DESC", {});
  REQUIRE(rows.ok());
  CHECK((*rows)[0][0].integer() == int64_t{1} << 60);
  CHECK((*rows)[0][1].text() == "\u00e9'");
  CHECK((*rows)[0][2].real() == 0.5);
  CHECK((*rows)[0][3].text() == bytes);
  CHECK((*rows)[1][1].is_null());
  CHECK(!(*rows)[1][1].optional_text());
}

TEST_CASE_FIXTURE(Fixture, "db: migrations run once each, and a newer schema is refused") {
  { auto db = open(1); }
  { auto db = open(2); }
  auto db = open(2);
  CHECK(db->query("SELECT c FROM t", {}).ok());
  const auto older = Db::open(where, std::span(kSteps).first(1));
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

TEST_CASE_FIXTURE(Fixture, "db: parameters take the type of their place, or of their value where there is none") {
  auto db = open();
  REQUIRE(db->execute("INSERT INTO t (a, b, c) VALUES (1, 'one', 1)").ok());
  const auto one = [&](std::string_view sql, std::initializer_list<Value> parameters) {
    auto row = db->query_one(sql, parameters);
    REQUIRE_MESSAGE(row.ok(), row.status().message());
    REQUIRE(*row);
    return (**row)[0];
  };
  CHECK(one("SELECT $1 + 1", {int64_t{1} << 40}).integer() == (int64_t{1} << 40) + 1);
  CHECK(one("SELECT count(*) FROM t WHERE $1 IS NULL OR b = $1", {nullptr}).integer() == 1);
  CHECK(one("SELECT count(*) FROM t WHERE $1 IS NULL OR b = $1", {"two"}).integer() == 0);
  CHECK(one("SELECT count(*) FROM t WHERE $1 IS NULL OR a = $1", {nullptr}).integer() == 1);
  CHECK(one("SELECT count(*) FROM t WHERE $1 = '' OR b = $1", {""}).integer() == 1);
  CHECK(one("SELECT count(*) FROM t WHERE a = $3", {"unused", nullptr, 1}).integer() == 1);
  CHECK(one("SELECT a FROM t WHERE b = $1 LIMIT $2", {"one", 5}).integer() == 1);
  CHECK(one("SELECT coalesce($1, a) FROM t", {nullptr}).integer() == 1);
  CHECK(one("SELECT sum(a) FROM t", {}).integer() == 1);
  CHECK(one("SELECT a = 1 FROM t", {}).boolean());
  auto transaction = db->begin();
  REQUIRE(transaction.ok());
  CHECK((**transaction->query_one("SELECT count(*) FROM t WHERE $1 IS NULL OR b = $1", {nullptr}))[0].integer() == 1);
  CHECK(transaction->commit().ok());
}

TEST_CASE_FIXTURE(Fixture, "db: names compare without case, lower() matches patterns, rows come back from an insert") {
  auto db = open();
  CHECK(*db->execute("INSERT INTO names (name) VALUES ('Ann'), ('bob')") == 2);
  CHECK(db->execute("INSERT INTO names (name) VALUES ($1)", {"ANN"}).status().code() == Code::conflict);
  CHECK(*db->execute("INSERT INTO names (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", {"BOB"}) == 0);
  CHECK((**db->query_one("SELECT name FROM names WHERE name = $1", {"aNN"}))[0].text() == "Ann");
  CHECK(db->query("SELECT name FROM names WHERE lower(name) LIKE $1 ESCAPE '\\'", {Value("%nn")})->size() == 1);
  const auto made = db->query_one("INSERT INTO t (b) VALUES ('x') RETURNING a");
  REQUIRE(made.ok());
  CHECK((**made)[0].integer() == (**db->query_one("SELECT max(a) FROM t"))[0].integer());
  CHECK(db->execute("INSERT INTO names (name, t_a) VALUES ('c', 99)").status().code() == Code::conflict);
}

TEST_CASE_FIXTURE(Fixture, "db: after a failed statement a transaction can only be dropped") {
  auto db = open();
  {
    auto transaction = db->begin();
    REQUIRE(transaction->execute("INSERT INTO t (a, b) VALUES (1, 'x')").ok());
    CHECK(transaction->execute("INSERT INTO t (a, b) VALUES (2, 'x')").status().code() == Code::conflict);
    CHECK(!transaction->query("SELECT a FROM t").ok());
    CHECK(!transaction->commit().ok());
  }
  CHECK(db->query("SELECT a FROM t", {})->empty());
}

TEST_CASE_FIXTURE(Fixture, "db: a connection keeps a bounded number of prepared statements") {
  auto db = open();
  auto transaction = db->begin();
  REQUIRE(transaction.ok());
  REQUIRE(transaction->execute("INSERT INTO t (b) VALUES ($1)", {"kept"}).ok());
  for (int i = 0; i < 1200; ++i) {
    const auto row = transaction->query_one(cat("SELECT ", i, " FROM t WHERE b = $1"), {"kept"});
    REQUIRE(row.ok());
    CHECK((**row)[0].integer() == i);
  }
  if (!is_sqlite()) {
    const auto count = transaction->query_one("SELECT count(*) FROM pg_prepared_statements");
    REQUIRE(count.ok());
    CHECK((**count)[0].integer() <= 500);
  }
  CHECK(transaction->commit().ok());
}

TEST_CASE_FIXTURE(Fixture, "db: a snapshot is one moment, whatever is written meanwhile") {
  auto db = open();
  REQUIRE(db->execute("INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y')").ok());
  auto snapshot = db->snapshot();
  REQUIRE(snapshot.ok());
  REQUIRE(db->execute("DELETE FROM t").ok());
  int64_t sum = 0;
  REQUIRE(snapshot
              ->each("SELECT a FROM t",
                     [&](const Row& row) {
                       sum += row[0].integer();
                       return Status();
                     })
              .ok());
  CHECK(sum == 3);
  const auto tables = snapshot->tables();
  REQUIRE(tables.ok());
  REQUIRE(tables->size() == 3);
  CHECK((*tables)[1].name == "names");
  CHECK((*tables)[1].columns == std::vector<std::string>{"name", "t_a"});
  CHECK((*tables)[2].columns == std::vector<std::string>{"a", "b", "d", "c"});
}

TEST_CASE_FIXTURE(Fixture, "db: a single statement that writes waits for the transaction that holds the lock") {
  auto db = open();
  auto transaction = db->begin();
  REQUIRE(transaction->execute("INSERT INTO t (b) VALUES ('x')").ok());
  std::atomic<bool> written = false;
  std::jthread writer([&] {
    CHECK(db->execute("INSERT INTO t (b) VALUES ('y')").ok());
    written = true;
  });
  CHECK(db->query("SELECT a FROM t", {})->empty());  // a reader does not wait, and does not see it
  CHECK(!written);
  REQUIRE(transaction->commit().ok());
  writer.join();
  CHECK((**db->query_one("SELECT count(*) FROM t"))[0].integer() == 2);
}

TEST_CASE("db: text that is no UTF-8 is refused by PostgreSQL, and a lost server is replaced or named") {
  const auto url = new_test_database();
  auto db = std::move(Db::open(url, kSteps)).value();
  CHECK(db->execute("INSERT INTO t (b) VALUES ($1)", {std::string("a\0b", 3)}).status().code() == Code::bad_input);
  CHECK(db->execute("INSERT INTO t (b) VALUES ($1)", {"\xff"}).status().code() == Code::bad_input);
  // What an administrator or a restart of the server does to idle connections.
  const auto other = std::move(Db::open(url, kSteps)).value();
  REQUIRE(
      other
          ->query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid "
                  "<> pg_backend_pid()",
                  {})
          .ok());
  CHECK(db->execute("INSERT INTO t (b) VALUES ('x')").ok());

  const auto nowhere = Db::open("postgresql://me:secret@127.0.0.1:1/x?connect_timeout=2", kSteps);
  CHECK(nowhere.status().code() == Code::unavailable);
  CHECK(contains(nowhere.status().message(), "127.0.0.1/x"));
  CHECK(!contains(nowhere.status().message(), "secret"));
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
