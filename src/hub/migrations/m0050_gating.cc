// Requests for the files of gated repositories, and repositories that the administrators have taken down.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// One row a user and repository, also for access that was granted unasked. `fields` is a JSON object: what was filled
// in.
extern constinit const store::Migration m0050_gating_entry{"gating", R"sql(
CREATE TABLE access_requests (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (owner_id) ON DELETE CASCADE,
  status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'rejected')),
  fields TEXT NOT NULL DEFAULT '{}',
  reason TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  decided_ms INTEGER,
  UNIQUE (repo_id, user_id)
);
CREATE INDEX access_requests_user ON access_requests (user_id, repo_id);
CREATE INDEX access_requests_list ON access_requests (repo_id, status, id);
ALTER TABLE repos ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
)sql"};

}  // namespace hearth::hub::migrations
