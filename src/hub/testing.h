// A data folder for tests that run on both databases: within a doctest case it is there twice, once for each.
#pragma once

#include <doctest/doctest.h>

#include "base/files.h"
#include "hub/configuration.h"
#include "store/testing.h"

namespace hearth::hub {

/// An empty folder; in the second run of the case, one that is set up for a fresh PostgreSQL database.
struct TestFolder : TempFolder {
  TestFolder() {
    SUBCASE("SQLite") {}
    SUBCASE("PostgreSQL") {
      REQUIRE(configure(path(), {.database = store::new_test_database()}).ok());
    }
  }
};

}  // namespace hearth::hub
