// Mirrors whose remote said that it has them no more.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0151_mirror_gone_entry{"mirror_gone", R"sql(
ALTER TABLE mirrors ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;
)sql"};

}  // namespace hearth::hub::migrations
