// The first rows of a table file: Parquet, CSV, JSON lines, Arrow. No Arrow is seen here.
// Source: datasets 5.2.0 packaged_modules (parquet, csv, json, arrow) for the formats; rows as pyarrow's to_pylist.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace hearth::datasets {

struct Column {
  std::string name;
  std::string type;  ///< Arrow's name: "int64", "list<item: string>"
};

struct Head {
  std::vector<Column> columns;
  std::vector<Json::Array> rows;      ///< one value a column
  std::optional<int64_t> rows_total;  ///< of the whole file, where it says so (Parquet)
};

/// Reads at most `rows` rows; only the parts of the file that hold them. The format is told by the name's end:
/// .parquet, .csv, .tsv, .jsonl, .ndjson, .json (lines), .arrow. bad_input on another end or a broken file.
Result<Head> read_head(const std::string& path, int64_t rows);

}  // namespace hearth::datasets
