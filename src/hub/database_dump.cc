#include "hub/database_dump.h"

#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/encoding.h"
#include "base/json.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr size_t kPiece = 1 << 20;

// Names in a dump become part of statements.
bool is_name(std::string_view text) {
  return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += cat(out.empty() ? "" : ", ", "\"", name, "\"");
  return out;
}

void write_value(JsonWriter& out, const store::Value& value) {
  const auto& storage = value.storage();
  if (const auto* n = std::get_if<int64_t>(&storage))
    out.value(*n);
  else if (const auto* d = std::get_if<double>(&storage))
    out.value(*d);
  else if (const auto* text = std::get_if<std::string>(&storage); text && is_utf8(*text))
    out.value(*text);
  else if (text)
    out.begin_object().field("hex", to_hex(*text)).end();
  else
    out.null();
}

Result<store::Value> read_value(const Json& json) {
  if (json.is_null()) return store::Value();
  if (json.is_int()) return store::Value(json.as_int());
  if (json.is_double()) return store::Value(json.as_double());
  if (json.is_string()) return store::Value(json.as_string());
  return store::Value(TRY(from_hex(json["hex"].as_string())));
}

struct Table {
  std::string insert;
  size_t columns = 0;
};

Result<Table> begin_table(store::Transaction& transaction, const Json& head, std::set<std::string>& emptied) {
  const std::string name(head["table"].as_string());
  std::vector<std::string> columns;
  for (const auto& column : head["columns"].array()) columns.emplace_back(column.as_string());
  if (!is_name(name) || columns.empty() || !std::all_of(columns.begin(), columns.end(), is_name))
    return Status(Code::bad_input, cat("the dump has a table that cannot be: ", head.dump()));
  if (emptied.insert(name).second) TRY(transaction.execute(cat("DELETE FROM \"", name, "\"")));
  std::string places;
  for (size_t i = 1; i <= columns.size(); ++i) places += cat(i == 1 ? "$" : ", $", i);
  return Table{cat("INSERT INTO \"", name, "\" (", joined(columns), ") VALUES (", places, ")"), columns.size()};
}

}  // namespace

Result<LineFile> LineFile::create(const std::string& path) {
  return LineFile(path, TRY(open_write(path, 0600)));
}

Status LineFile::line(std::string_view text) {
  buffer_ += text;
  buffer_ += '\n';
  return buffer_.size() < kPiece ? Status() : flush();
}

Status LineFile::flush() {
  hasher_.update(buffer_);
  TRY(write_all(fd_.get(), buffer_, path_));
  buffer_.clear();
  return {};
}

Result<std::string> LineFile::finish() {
  TRY(flush());
  if (fsync(fd_.get()) != 0) return errno_status("cannot sync", path_);
  return hasher_.hex();
}

Result<int64_t> dump_tables(store::Snapshot& snapshot, LineFile& out,
                            const std::function<bool(std::string_view)>& wanted, const RowFilter& keep) {
  int64_t rows = 0;
  for (const auto& table : TRY(snapshot.tables())) {
    if (!wanted(table.name)) continue;
    JsonWriter head;
    head.begin_object().field("table", table.name).key("columns").begin_array();
    for (const auto& column : table.columns) head.value(column);
    TRY(out.line(head.end().end().text()));
    TRY(snapshot.each(cat("SELECT ", joined(table.columns), " FROM \"", table.name, "\""), [&](const store::Row& row) {
      if (keep && !keep(table, row)) return Status();
      JsonWriter line;
      line.begin_array();
      for (const auto& value : row) write_value(line, value);
      ++rows;
      return out.line(line.end().text());
    }));
  }
  return rows;
}

Result<int64_t> load_dump(store::Transaction& transaction, std::string_view dump) {
  std::set<std::string> emptied;
  std::vector<store::Value> values;
  Table table;
  int64_t rows = 0;
  // Two passes: emptying a table may take rows of others with it.
  for (const bool filling : {false, true})
    for (size_t at = 0; at < dump.size();) {
      const auto end = std::min(dump.find('\n', at), dump.size());
      const auto line = dump.substr(at, end - at);
      at = end + 1;
      const bool is_head = line.starts_with('{');
      if (!is_head && !filling) continue;
      const auto json = TRY(Json::parse(line));
      if (is_head) {
        table = TRY(begin_table(transaction, json, emptied));
        continue;
      }
      if (json.size() != table.columns)
        return Status(Code::bad_input, cat("a row of ", json.size(), " columns where the dump says ", table.columns));
      values.clear();
      for (const auto& value : json.array()) values.push_back(TRY(read_value(value)));
      TRY(transaction.execute(table.insert, std::span<const store::Value>(values)));
      ++rows;
    }
  return rows;
}

}  // namespace hearth::hub
