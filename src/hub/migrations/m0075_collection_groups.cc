// A collection of an organisation may be in one of its resource groups, as a repository may.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0075_collection_groups_entry{"resource groups of collections", R"sql(
ALTER TABLE collections ADD COLUMN resource_group_id INTEGER REFERENCES resource_groups (id) ON DELETE SET NULL;
)sql"};

}  // namespace hearth::hub::migrations
