// Spaces whose visibility is "protected".
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// Such a one is private as well: all rules of access read that column alone.
extern constinit const store::Migration m0163_protected_spaces_entry{"protected_spaces", R"sql(
ALTER TABLE repos ADD COLUMN protected INTEGER NOT NULL DEFAULT 0;
)sql"};

}  // namespace hearth::hub::migrations
