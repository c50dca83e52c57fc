// The audit log: who did what from where; quotas and what counts against them. The log's rows name what they are about
// by text and number and refer to nothing, so that the log outlives users, organisations and repositories.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0041_audit_entry{"audit", R"sql(
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL DEFAULT '',
  actor_id INTEGER NOT NULL DEFAULT 0,
  via TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL DEFAULT '',
  agent TEXT NOT NULL DEFAULT '',
  action TEXT NOT NULL,
  owner_id INTEGER NOT NULL DEFAULT 0,
  target TEXT NOT NULL DEFAULT '',
  data TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_owner ON audit (owner_id, id);
ALTER TABLE repo_objects ADD COLUMN size_bytes INTEGER NOT NULL DEFAULT 0;
CREATE TABLE quotas (
  owner_id INTEGER PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
  storage_bytes INTEGER,
  private_bytes INTEGER
);
)sql"};

}  // namespace hearth::hub::migrations
