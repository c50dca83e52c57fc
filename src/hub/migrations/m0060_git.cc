// Where stored files were put, protected branches, LFS locks.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0060_git_entry{"git", R"sql(
-- The first place of a stored file in the repository; empty for what was uploaded and never committed.
ALTER TABLE repo_objects ADD COLUMN path TEXT NOT NULL DEFAULT '';
ALTER TABLE repo_objects ADD COLUMN ref TEXT NOT NULL DEFAULT '';
ALTER TABLE repo_objects ADD COLUMN pushed_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX repo_objects_repo ON repo_objects (repo_id, sha256);
-- LFS uploads over this size go in parts, for clients that can; 0: the hub's own limit.
ALTER TABLE repos ADD COLUMN lfs_multipart_bytes INTEGER NOT NULL DEFAULT 0;
CREATE TABLE protected_branches (
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  pattern TEXT NOT NULL,
  push TEXT NOT NULL DEFAULT 'write' CHECK (push IN ('write', 'admin')),
  PRIMARY KEY (repo_id, pattern)
);
CREATE TABLE lfs_locks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  ref TEXT NOT NULL DEFAULT '',
  owner_id INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
  locked_ms INTEGER NOT NULL,
  UNIQUE (repo_id, path)
);
)sql"};

}  // namespace hearth::hub::migrations
