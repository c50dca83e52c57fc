// What only SQLite had goes (names are searched by LIKE and in memory); secrets that all fronts share come.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0030_portable_entry{"portable search, shared secrets", R"sql(
DROP TABLE IF EXISTS repo_search;
CREATE TABLE secrets (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
)sql"};

}  // namespace hearth::hub::migrations
