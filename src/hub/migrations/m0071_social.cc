// Who likes what, and who follows whom.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0071_social_entry{"social", R"sql(
CREATE TABLE likes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
  created_ms INTEGER NOT NULL,
  UNIQUE (repo_id, user_id)
);
CREATE INDEX likes_user ON likes (user_id);
CREATE TABLE follows (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  follower_id INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
  followed_id INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
  created_ms INTEGER NOT NULL,
  UNIQUE (follower_id, followed_id)
);
CREATE INDEX follows_followed ON follows (followed_id);
)sql"};

}  // namespace hearth::hub::migrations
