// Hubs that are asked for what this one lacks, and repositories whose truth lies elsewhere.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// An upstream with an empty owner is asked for every owner. A mirror's row is older than its repository (repo_id 0):
// what a crash interrupts is known and taken up again. every_s is 0 for what is refreshed by its readers.
extern constinit const store::Migration m0120_mirrors_entry{"mirrors", R"sql(
CREATE TABLE upstreams (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL COLLATE NOCASE UNIQUE,
  url TEXT NOT NULL,
  owner TEXT NOT NULL COLLATE NOCASE DEFAULT '',
  token TEXT NOT NULL DEFAULT ''
);
CREATE TABLE upstream_owners (
  owner_id INTEGER PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE
);
CREATE TABLE mirrors (
  kind TEXT NOT NULL,
  owner TEXT NOT NULL COLLATE NOCASE,
  name TEXT NOT NULL COLLATE NOCASE,
  repo_id INTEGER NOT NULL DEFAULT 0,
  url TEXT NOT NULL,
  remote TEXT NOT NULL,
  token TEXT NOT NULL DEFAULT '',
  every_s INTEGER NOT NULL DEFAULT 0,
  once INTEGER NOT NULL DEFAULT 0,
  ready INTEGER NOT NULL DEFAULT 0,
  checked_ms INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (kind, owner, name)
);
CREATE INDEX mirrors_repo ON mirrors (repo_id);
)sql"};

}  // namespace hearth::hub::migrations
