#include "store/load.h"

#include "base/text.h"

namespace hearth::store {
namespace {

bool is_postgresql(const Db& db) {
  return db.description().starts_with("postgresql://");
}

}  // namespace

Status defer_references(const Db& db, Transaction& transaction) {
  TRY(transaction.execute(is_postgresql(db) ? "SET CONSTRAINTS ALL DEFERRED" : "PRAGMA defer_foreign_keys = ON"));
  return {};
}

Status reset_counters(const Db& db, Transaction& transaction) {
  if (!is_postgresql(db)) return {};  // AUTOINCREMENT remembers the highest number that a row ever had
  const auto identities = TRY(transaction.query(
      "SELECT quote_ident(c.relname), quote_ident(a.attname), pg_get_serial_sequence(quote_ident(c.relname), "
      "a.attname) "
      "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attidentity <> '' AND c.relkind = 'r' AND "
      "c.relnamespace = current_schema()::regnamespace"));
  for (const auto& row : identities)
    TRY(transaction.query(cat("SELECT setval('", row[2].text(), "', m.top) FROM (SELECT max(", row[1].text(),
                              ") AS top FROM ", row[0].text(), ") m WHERE m.top IS NOT NULL")));
  return {};
}

}  // namespace hearth::store
