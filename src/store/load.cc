#include "store/load.h"

#include "base/text.h"

namespace hearth::store {
namespace {

bool is_postgresql(const Db& db) {
  return db.description().starts_with("postgresql://");
}

// PostgreSQL's: table, column, and the sequence that counts.
constexpr std::string_view kIdentities =
    "(SELECT c.relname::text AS name, a.attname::text AS counted, pg_get_serial_sequence(quote_ident(c.relname), "
    "a.attname) AS counter FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.attidentity <> '' AND "
    "c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace) identities";

}  // namespace

Status defer_references(const Db& db, Transaction& transaction) {
  TRY(transaction.execute(is_postgresql(db) ? "SET CONSTRAINTS ALL DEFERRED" : "PRAGMA defer_foreign_keys = ON"));
  return {};
}

Result<Counters> read_counters(Db& db) {
  const auto rows =
      TRY(db.query(is_postgresql(db) ? cat("SELECT name, pg_sequence_last_value(counter::regclass) FROM ", kIdentities)
                                     : std::string("SELECT name, seq FROM sqlite_sequence"),
                   {}));
  Counters out;
  for (const auto& row : rows)
    if (!row[1].is_null()) out[row[0].text()] = row[1].integer();  // NULL: never asked
  return out;
}

Status reset_counters(const Db& db, Transaction& transaction, const Counters& counters) {
  if (!is_postgresql(db)) {
    // AUTOINCREMENT remembers the highest number that a row ever had, once the table had one.
    for (const auto& [table, number] : counters) {
      if (TRY(transaction.execute("UPDATE sqlite_sequence SET seq = max(seq, $2) WHERE name = $1", {table, number})) ==
          0)
        TRY(transaction.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)", {table, number}));
    }
    return {};
  }
  for (const auto& row : TRY(transaction.query(
           cat("SELECT name, quote_ident(name), quote_ident(counted), counter FROM ", kIdentities)))) {
    const auto known = counters.find(row[0].text());
    const auto least = known == counters.end() ? 0 : known->second;
    TRY(transaction.query(cat("SELECT setval('", row[3].text(), "', m.top) FROM (SELECT greatest(max(", row[2].text(),
                              "), ", least, ") AS top FROM ", row[1].text(), ") m WHERE m.top > 0")));
  }
  return {};
}

}  // namespace hearth::store
