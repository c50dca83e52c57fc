// Filling an empty database with another one's rows, in one transaction: in any order, with the numbers they had.
#pragma once

#include "base/result.h"
#include "store/db.h"

namespace hearth::store {

/// References between rows are checked when the transaction ends, not at each statement.
Status defer_references(const Db& db, Transaction& transaction);

/// New rows get numbers beyond those that were put in.
Status reset_counters(const Db& db, Transaction& transaction);

}  // namespace hearth::store
