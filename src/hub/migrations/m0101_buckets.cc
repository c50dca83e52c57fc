// Files of buckets, and the changes that followers of a bucket are told.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// An empty file has Xet's hash of nothing (zeros) and lies in no store.
extern constinit const store::Migration m0101_buckets_entry{"buckets", R"sql(
CREATE TABLE bucket_files (
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  xet_hash TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  content_type TEXT NOT NULL DEFAULT '',
  mtime_ms INTEGER NOT NULL,
  uploaded_ms INTEGER NOT NULL,
  PRIMARY KEY (repo_id, path)
);
CREATE INDEX bucket_files_sha256 ON bucket_files (sha256);
CREATE TABLE bucket_changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  op TEXT NOT NULL CHECK (op IN ('add', 'update', 'delete')),
  xet_hash TEXT NOT NULL DEFAULT '',
  size_bytes INTEGER NOT NULL DEFAULT 0,
  mtime_ms INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX bucket_changes_repo ON bucket_changes (repo_id, id);
)sql"};

}  // namespace hearth::hub::migrations
