// What scans have found in files, by content: equal files are scanned once, whatever repositories have them.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0081_scans_entry{"scans", R"sql(
CREATE TABLE file_scans (
  content TEXT PRIMARY KEY,
  version TEXT NOT NULL,
  status TEXT NOT NULL,
  found TEXT NOT NULL,
  scanned_ms INTEGER NOT NULL
);
)sql"};

}  // namespace hearth::hub::migrations
