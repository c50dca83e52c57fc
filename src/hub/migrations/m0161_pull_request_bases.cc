// The branch that a pull request is merged into.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0161_pull_request_bases_entry{"pull_request_bases", R"sql(
ALTER TABLE discussions ADD COLUMN base TEXT NOT NULL DEFAULT 'refs/heads/main';
)sql"};

}  // namespace hearth::hub::migrations
