// What lists and searches need beside the rows: notes of what has changed for the catalogs in memory, counts of
// downloads by day (days since 1970), and more of what a revision's files say. Substring search and tags are the
// catalog's.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0080_catalog_entry{"the catalog", R"sql(
CREATE TABLE repo_changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL,
  at_ms INTEGER NOT NULL
);
ALTER TABLE repos ADD COLUMN downloads_all_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repos ADD COLUMN trending INTEGER NOT NULL DEFAULT 0;
UPDATE repos SET downloads_all_time = downloads;
ALTER TABLE repo_index ADD COLUMN links TEXT NOT NULL DEFAULT '[]';
ALTER TABLE repo_index ADD COLUMN parameters INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repo_index ADD COLUMN facts TEXT NOT NULL DEFAULT 'null';
ALTER TABLE repo_index ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
CREATE TABLE repo_days (
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  day INTEGER NOT NULL,
  downloads INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (repo_id, day)
);
INSERT INTO repo_days (repo_id, day, downloads)
  SELECT id, modified_ms / 86400000, downloads FROM repos WHERE downloads > 0;
DROP TABLE IF EXISTS repo_search;
DROP TABLE IF EXISTS repo_tags;
)sql"};

}  // namespace hearth::hub::migrations
