// Organisations with their members, resource groups (sets of an organisation's repositories with members of their own),
// what a token may do, sessions that can be listed, and who made a repository.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// A token with `scopes` (JSON, see hub/permissions.h) is fine-grained whatever its role says.
extern constinit const store::Migration m0040_organisations_entry{"organisations", R"sql(
CREATE TABLE orgs (
  owner_id INTEGER PRIMARY KEY REFERENCES owners (id) ON DELETE CASCADE,
  default_private INTEGER NOT NULL DEFAULT 0,
  details TEXT NOT NULL DEFAULT ''
);
CREATE TABLE memberships (
  org_id INTEGER NOT NULL REFERENCES orgs (owner_id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (owner_id) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('no_access', 'read', 'contributor', 'write', 'admin')),
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (org_id, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);
CREATE TABLE resource_groups (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  org_id INTEGER NOT NULL REFERENCES orgs (owner_id) ON DELETE CASCADE,
  name TEXT NOT NULL COLLATE NOCASE,
  description TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  UNIQUE (org_id, name)
);
CREATE TABLE resource_group_members (
  group_id INTEGER NOT NULL REFERENCES resource_groups (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (owner_id) ON DELETE CASCADE,
  role TEXT NOT NULL CHECK (role IN ('read', 'contributor', 'write', 'admin')),
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (group_id, user_id)
);
CREATE INDEX resource_group_members_user ON resource_group_members (user_id);
ALTER TABLE repos ADD COLUMN resource_group_id INTEGER REFERENCES resource_groups (id) ON DELETE SET NULL;
ALTER TABLE repos ADD COLUMN creator_id INTEGER;
CREATE INDEX repos_resource_group ON repos (resource_group_id);
ALTER TABLE tokens ADD COLUMN scopes TEXT;
ALTER TABLE tokens ADD COLUMN expires_ms INTEGER;
ALTER TABLE tokens ADD COLUMN hint TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN created_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN used_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';
)sql"};

}  // namespace hearth::hub::migrations
