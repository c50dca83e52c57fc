// Collections: named lists of repositories, papers and other collections.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// An item points to a repository's row, to a collection's, or holds a paper's id; `target` names it in one word
// ("repo:7", "collection:3", "paper:2307.09288"), so that it is there once.
extern constinit const store::Migration m0072_collections_entry{"collections", R"sql(
CREATE TABLE collections (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  object_id TEXT NOT NULL UNIQUE,
  owner_id INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
  title TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  private INTEGER NOT NULL DEFAULT 0,
  theme TEXT NOT NULL,
  position INTEGER NOT NULL DEFAULT 0,
  upvotes INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
);
CREATE INDEX collections_owner ON collections (owner_id);
CREATE TABLE collection_items (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  object_id TEXT NOT NULL UNIQUE,
  collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
  target TEXT NOT NULL,
  repo_id INTEGER REFERENCES repos (id) ON DELETE CASCADE,
  nested_id INTEGER REFERENCES collections (id) ON DELETE CASCADE,
  paper TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  position INTEGER NOT NULL,
  UNIQUE (collection_id, target)
);
CREATE INDEX collection_items_target ON collection_items (target);
CREATE TABLE collection_upvotes (
  collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
  PRIMARY KEY (collection_id, user_id)
);
CREATE INDEX collection_upvotes_user ON collection_upvotes (user_id);
)sql"};

}  // namespace hearth::hub::migrations
