// Repositories of any kind: the list of kinds is the program's (hub/repo_id.h), no longer the table's.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// SQLite cannot drop a CHECK; its documentation (lang_altertable.html, section 7) allows this edit of the schema's text
// for changes that do not touch the stored rows. Making the table anew would delete all that refers to it.
extern constinit const store::Migration m0100_kinds_entry{
    .name = "kinds of repositories",
    .sql = R"sql(
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, ' CHECK (kind IN (''model'', ''dataset'', ''space''))', '')
  WHERE type = 'table' AND name = 'repos';
PRAGMA writable_schema = RESET;
)sql",
    .postgres = "ALTER TABLE repos DROP CONSTRAINT IF EXISTS repos_kind_check"};

}  // namespace hearth::hub::migrations
