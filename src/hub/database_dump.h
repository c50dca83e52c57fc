// The rows of a hub's database as text that any engine reads: a line of JSON a table ({"table": .., "columns": [..]}),
// then a line a row ([..]). Text that is no UTF-8 is {"hex": ".."}.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/hash.h"
#include "base/result.h"
#include "store/db.h"

namespace hearth::hub {

/// A file written line by line; `finish` makes it durable and returns its SHA-256.
class LineFile {
 public:
  static Result<LineFile> create(const std::string& path);
  Status line(std::string_view text);
  Result<std::string> finish();

 private:
  LineFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)), hasher_(HashKind::sha256) {}
  Status flush();
  std::string path_, buffer_;
  Fd fd_;
  Hasher hasher_;
};

/// Writes the tables that `wanted` names, and of their rows those that `keep` (when given) answers true for.
/// Returns the number of rows.
using RowFilter = std::function<bool(const store::TableInfo&, const store::Row&)>;
Result<int64_t> dump_tables(store::Snapshot& snapshot, LineFile& out,
                            const std::function<bool(std::string_view)>& wanted, const RowFilter& keep = {});

/// Puts the rows of a dump in place of what the database's tables hold. Returns the number of rows.
Result<int64_t> load_dump(store::Transaction& transaction, std::string_view dump);

}  // namespace hearth::hub
