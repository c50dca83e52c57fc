// How much may come from an upstream.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// Of one repository, with all its large files; 0: no limit.
extern constinit const store::Migration m0130_pull_limits_entry{"pull limits", R"sql(
ALTER TABLE upstreams ADD COLUMN repo_max_bytes INTEGER NOT NULL DEFAULT 0;
)sql"};

}  // namespace hearth::hub::migrations
