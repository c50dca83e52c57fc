// Names that owners had before, which nobody else may take.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// The former names of repositories tell those of owners renamed so far.
extern constinit const store::Migration m0162_owner_aliases_entry{"owner_aliases", R"sql(
CREATE TABLE owner_aliases (
  name TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
  owner_id INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE
);
INSERT INTO owner_aliases (name, owner_id) SELECT repo_aliases.owner, min(repos.owner_id) FROM repo_aliases JOIN repos
  ON repos.id = repo_aliases.repo_id WHERE NOT EXISTS (SELECT 1 FROM owners WHERE owners.name = repo_aliases.owner)
  GROUP BY repo_aliases.owner ON CONFLICT (name) DO NOTHING;
)sql"};

}  // namespace hearth::hub::migrations
