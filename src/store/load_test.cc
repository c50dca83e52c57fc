#include "store/load.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "base/text.h"
#include "store/testing.h"

namespace hearth::store {
namespace {

constexpr Migration kStep{"things",
                          "CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, word TEXT NOT NULL);"
                          "CREATE TABLE others (id INTEGER PRIMARY KEY AUTOINCREMENT, word TEXT NOT NULL);"};
constexpr const Migration* kSteps[] = {&kStep};

TEST_CASE("load: a number that a removed row had is not given again, from and to either database") {
  TempFolder temp;
  for (const bool from_postgresql : {false, true})
    for (const bool to_postgresql : {false, true}) {
      CAPTURE(from_postgresql);
      CAPTURE(to_postgresql);
      const auto where = [&](bool postgresql, std::string_view name) {
        return postgresql ? new_test_database() : path_join(temp.path(), cat(name, from_postgresql, to_postgresql));
      };
      auto from = std::move(Db::open(where(from_postgresql, "from"), kSteps)).value();
      for (int i = 0; i < 5; ++i) REQUIRE(from->execute("INSERT INTO things (word) VALUES ('a')").ok());
      REQUIRE(from->execute("DELETE FROM things WHERE id > 2").ok());
      const auto counters = read_counters(*from);
      REQUIRE(counters.ok());
      CHECK(*counters == Counters{{"things", 5}});

      auto to = std::move(Db::open(where(to_postgresql, "to"), kSteps)).value();
      auto transaction = std::move(to->begin()).value();
      REQUIRE(transaction.execute("INSERT INTO things (id, word) VALUES (1, 'a'), (2, 'a')").ok());
      REQUIRE(transaction.execute("INSERT INTO others (id, word) VALUES (7, 'b')").ok());
      REQUIRE(reset_counters(*to, transaction, *counters).ok());
      REQUIRE(transaction.commit().ok());
      const auto next = [&](std::string_view table) {
        return (**to->query_one(cat("INSERT INTO ", table, " (word) VALUES ('c') RETURNING id")))[0].integer();
      };
      CHECK(next("things") == 6);
      CHECK(next("others") == 8);
    }
}

}  // namespace
}  // namespace hearth::store
