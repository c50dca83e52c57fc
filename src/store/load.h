// Filling an empty database with another one's rows, in one transaction: in any order, with the numbers they had.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "store/db.h"

namespace hearth::store {

/// References between rows are checked when the transaction ends, not at each statement.
Status defer_references(const Db& db, Transaction& transaction);

/// By table, the highest number that it ever gave a row, also to one that is gone.
using Counters = std::map<std::string, int64_t>;
Result<Counters> read_counters(Db& db);

/// New rows get numbers beyond those that were put in, and beyond the counters: what another database once called by a
/// number is never called the same.
Status reset_counters(const Db& db, Transaction& transaction, const Counters& counters);

}  // namespace hearth::store
