// Trusted publishers: outside jobs that prove themselves by their provider's identity token. Organisations that
// applications may see, and organisations that ask their members for a second factor.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// A publisher is a repository's or a user's own. `claims` is a JSON object of texts that must all be equal. Tokens that
// it was given go with it. `orgs` of a grant: a JSON list of organisations' row numbers.
extern constinit const store::Migration m0140_publishers_entry{"publishers", R"sql(
CREATE TABLE trusted_publishers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER REFERENCES repos (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (owner_id) ON DELETE CASCADE,
  issuer TEXT NOT NULL,
  claims TEXT NOT NULL,
  read_only INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL,
  used_ms INTEGER
);
CREATE INDEX trusted_publishers_repo ON trusted_publishers (repo_id);
CREATE INDEX trusted_publishers_user ON trusted_publishers (user_id);
ALTER TABLE tokens ADD COLUMN publisher_id INTEGER REFERENCES trusted_publishers (id) ON DELETE CASCADE;
CREATE INDEX tokens_publisher ON tokens (publisher_id);
ALTER TABLE oauth_grants ADD COLUMN orgs TEXT NOT NULL DEFAULT '[]';
ALTER TABLE orgs ADD COLUMN require_totp INTEGER NOT NULL DEFAULT 0;
)sql"};

}  // namespace hearth::hub::migrations
