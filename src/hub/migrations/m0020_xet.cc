// Xet: xorbs, the files made of them, and the chunks that clients may ask for. Hashes are in Xet's printed form.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0020_xet_entry{"xet", R"sql(
CREATE TABLE xet_xorbs (
  hash TEXT PRIMARY KEY,
  packed_bytes INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  chunk_count INTEGER NOT NULL,
  -- A xorb whose chunks lie in a whole stored file; empty: an object of its own.
  source_sha256 TEXT NOT NULL DEFAULT '',
  source_offset INTEGER NOT NULL DEFAULT 0,
  -- Uploaded, or last named by a shard: clients may count on it from then on.
  used_ms INTEGER NOT NULL
);
CREATE INDEX xet_xorbs_source ON xet_xorbs (source_sha256);
CREATE TABLE xet_files (
  hash TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  used_ms INTEGER NOT NULL
);
CREATE INDEX xet_files_sha256 ON xet_files (sha256);
-- A file is these ranges of chunks, one after another.
CREATE TABLE xet_terms (
  file_hash TEXT NOT NULL REFERENCES xet_files (hash) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  xorb_hash TEXT NOT NULL,
  chunk_begin INTEGER NOT NULL,
  chunk_end INTEGER NOT NULL,
  offset_bytes INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  PRIMARY KEY (file_hash, position)
);
CREATE INDEX xet_terms_xorb ON xet_terms (xorb_hash);
-- Where a chunk lies that clients ask for: those that the format marks, and the first of each file.
CREATE TABLE xet_chunks (
  hash TEXT NOT NULL,
  xorb_hash TEXT NOT NULL REFERENCES xet_xorbs (hash) ON DELETE CASCADE,
  PRIMARY KEY (hash, xorb_hash)
);
CREATE INDEX xet_chunks_xorb ON xet_chunks (xorb_hash);
)sql"};

}  // namespace hearth::hub::migrations
