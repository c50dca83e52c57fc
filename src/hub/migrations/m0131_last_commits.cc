// What searches for the last commits of paths have found.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// When main was at `seen`, the path had this content (a git id) and the commit had given it.
extern constinit const store::Migration m0131_last_commits_entry{"last commits", R"sql(
CREATE TABLE last_commits (
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  content TEXT NOT NULL,
  seen TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  title TEXT NOT NULL,
  date_ms INTEGER NOT NULL,
  PRIMARY KEY (repo_id, path)
);
)sql"};

}  // namespace hearth::hub::migrations
