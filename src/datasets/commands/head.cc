// hearth datasets head: the first rows of a table file, as a table or as JSON.
#include "datasets/head.h"

#include <algorithm>

#include "base/text.h"
#include "datasets/commands_registry.h"

namespace hearth::datasets::commands {
namespace {

constexpr int64_t kRowsMax = 10'000;
constexpr size_t kCellMax = 40;  // characters of a cell, to people

/// A value in a table's cell: one line, at most kCellMax characters.
std::string cell(const Json& value) {
  const auto text = value.is_string() ? std::string(value.as_string()) : value.is_null() ? "" : value.dump();
  const auto line = printable(text);
  if (utf8_length(line) <= kCellMax) return line;
  size_t end = 0;
  for (size_t i = 0; i + 3 < kCellMax; ++i) utf8_next(line, end);
  return line.substr(0, end) + "...";
}

void print_table(const Head& head, Terminal& terminal) {
  std::vector<std::vector<std::string>> lines(2);
  std::vector<bool> is_number;
  for (const auto& column : head.columns) {
    lines[0].push_back(cell(column.name));
    lines[1].push_back(cell(column.type));
    const auto c = is_number.size();
    is_number.push_back(!head.rows.empty() && std::ranges::all_of(head.rows, [&](const Json::Array& row) {
      return row[c].is_number() || row[c].is_null();
    }));
  }
  for (const auto& row : head.rows) {
    auto& line = lines.emplace_back();
    for (const auto& value : row) line.push_back(cell(value));
  }
  std::vector<size_t> widths(head.columns.size());
  for (const auto& line : lines)
    for (size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], utf8_length(line[c]));
  for (const auto& line : lines) {
    std::string out;
    for (size_t c = 0; c < line.size(); ++c) {
      const std::string space(widths[c] - utf8_length(line[c]), ' ');
      const bool is_last = c + 1 == line.size();
      out += is_number[c] ? cat(space, line[c]) : cat(line[c], is_last ? "" : space);
      if (!is_last) out += "  ";
    }
    terminal.print_line(out);
  }
  if (head.rows_total) terminal.print_line(cat("(", head.rows.size(), " of ", *head.rows_total, " rows)"));
}

void print_json(const Head& head, Terminal& terminal) {
  JsonWriter out;
  out.begin_object().key("columns").begin_array();
  for (const auto& column : head.columns)
    out.begin_object().field("name", column.name).field("type", column.type).end();
  out.end().key("rows").begin_array();
  for (const auto& row : head.rows) {
    out.begin_object();
    for (size_t c = 0; c < row.size(); ++c) out.field(head.columns[c].name, row[c]);
    out.end();
  }
  out.end().key("rows_total").value(head.rows_total ? Json(*head.rows_total) : Json()).end();
  terminal.print_line(out.text());
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1)
    return terminal.fail(Status(Code::bad_input, cat("datasets head takes one FILE, not ", words.size())));
  const auto rows = arguments.get_int("rows", 5, 0, kRowsMax);
  if (!rows.ok()) return terminal.fail(rows.status());
  const auto head = read_head(words[0], *rows);
  if (!head.ok()) return terminal.fail(head.status());
  arguments.has("json") ? print_json(*head, terminal) : print_table(*head, terminal);
  return 0;
}

}  // namespace

extern constinit const CommandBody head_entry{"datasets head", run};

}  // namespace hearth::datasets::commands
