// What files that came by Xet weigh in their repository, for its owner's quota.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// Those that a commit has named; an upload that none names weighs nothing.
extern constinit const store::Migration m0160_object_sizes_entry{"object_sizes", R"sql(
UPDATE repo_objects SET size_bytes = coalesce((SELECT max(xet_files.size_bytes) FROM xet_files WHERE xet_files.sha256 =
  repo_objects.sha256), 0) WHERE size_bytes = 0 AND path <> '';
)sql"};

}  // namespace hearth::hub::migrations
