// SQL as Hearth writes it, in PostgreSQL's words. Schema steps are written in SQLite's types; statements use what both
// engines understand, but for one function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::store {

/// A schema step for PostgreSQL. INTEGER is BIGINT, INTEGER PRIMARY KEY AUTOINCREMENT an identity, REAL a double, BLOB
/// BYTEA, TEXT sorts by bytes (COLLATE "C") as in SQLite, COLLATE NOCASE is the collation `nocase`, WITHOUT ROWID is
/// nothing, REFERENCES is DEFERRABLE; a virtual table (full-text search) is left out.
std::string postgresql_schema(std::string_view sql);

/// A statement for PostgreSQL: lower(x) gets the collation "C", since LIKE refuses the case-blind collation that a
/// NOCASE column would pass on.
std::string postgresql_statement(std::string_view sql);

/// Which of `$1`.. a statement uses: element i says of `$(i+1)`.
std::vector<bool> used_parameters(std::string_view sql, size_t count);

/// Does the statement only read?
bool only_reads(std::string_view sql);

}  // namespace hearth::store
