// The first schema: owners, accounts, repositories and what is derived from their files.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// Times are milliseconds since 1970. Names are unique in any letter case.
extern constinit const store::Migration m0001_hub_entry{"the hub", R"sql(
CREATE TABLE owners (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('user', 'org')),
  name TEXT NOT NULL COLLATE NOCASE UNIQUE,
  fullname TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL
);
CREATE TABLE users (
  owner_id INTEGER PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
  password_hash TEXT NOT NULL,
  email TEXT NOT NULL DEFAULT '',
  is_admin INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users (owner_id) ON DELETE CASCADE,
  hash TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK (role IN ('read', 'write')),
  name TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  used_ms INTEGER
);
CREATE TABLE sessions (
  hash TEXT PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users (owner_id) ON DELETE CASCADE,
  expires_ms INTEGER NOT NULL
);
CREATE TABLE login_links (
  hash TEXT PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES users (owner_id) ON DELETE CASCADE,
  expires_ms INTEGER NOT NULL
);
CREATE TABLE repos (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('model', 'dataset', 'space')),
  owner_id INTEGER NOT NULL REFERENCES owners (id),
  name TEXT NOT NULL COLLATE NOCASE,
  private INTEGER NOT NULL DEFAULT 0,
  gated TEXT NOT NULL DEFAULT '' CHECK (gated IN ('', 'auto', 'manual')),
  sdk TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  modified_ms INTEGER NOT NULL,
  downloads INTEGER NOT NULL DEFAULT 0,
  likes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (owner_id, kind, name)
);
CREATE INDEX repos_modified ON repos (kind, modified_ms);
-- Former names after a move.
CREATE TABLE repo_aliases (
  kind TEXT NOT NULL,
  owner TEXT NOT NULL COLLATE NOCASE,
  name TEXT NOT NULL COLLATE NOCASE,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  PRIMARY KEY (kind, owner, name)
);
-- Which stored files a repository's readers may read.
CREATE TABLE repo_objects (
  sha256 TEXT NOT NULL,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  PRIMARY KEY (sha256, repo_id)
) WITHOUT ROWID;
-- What main says, derived from git: see hub/index.h. Lists and objects are JSON.
CREATE TABLE repo_index (
  repo_id INTEGER PRIMARY KEY REFERENCES repos (id) ON DELETE CASCADE,
  head TEXT NOT NULL,
  pipeline_tag TEXT NOT NULL DEFAULT '',
  library_name TEXT NOT NULL DEFAULT '',
  tags TEXT NOT NULL DEFAULT '[]',
  card TEXT NOT NULL DEFAULT 'null',
  config TEXT NOT NULL DEFAULT 'null',
  safetensors TEXT NOT NULL DEFAULT 'null',
  gguf TEXT NOT NULL DEFAULT 'null',
  used_storage INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE repo_tags (
  tag TEXT NOT NULL COLLATE NOCASE,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  PRIMARY KEY (tag, repo_id)
) WITHOUT ROWID;
CREATE INDEX repo_tags_repo ON repo_tags (repo_id);
-- Substring search over owner/name; rowid is the repository's.
CREATE VIRTUAL TABLE repo_search USING fts5 (full_name, tokenize = 'trigram');
)sql"};

}  // namespace hearth::hub::migrations
