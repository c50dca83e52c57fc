// Source: huggingface_hub 2.4.0 cli/_output.py (class Output).
#include "cli/output.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::cli {
namespace {

/// A cell or value as people read it: control characters shown, so that a Hub's text cannot move the cursor.
std::string shown(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_bool()) return value.as_bool() ? "yes" : "";
  return printable(value.is_string() ? std::string(value.as_string()) : value.dump());
}

}  // namespace

Result<Output> Output::make(const Arguments& arguments, Terminal& terminal) {
  const auto name = arguments.get("format", "auto");
  auto format = Format::human;
  if (name == "json" || arguments.has("json")) {
    format = Format::json;
  } else if (name == "quiet" || arguments.has("quiet")) {
    format = Format::quiet;
  } else if (name != "auto" && name != "human") {
    return Status(Code::bad_input, cat("--format takes auto, human, json or quiet, not '", name, "'"));
  }
  return Output(format, terminal);
}

void Output::text(std::string_view line) const {
  if (is_human()) terminal_.print_line(line);
}

void Output::result(std::string_view message, const Json& data) const {
  if (format_ == Format::json) {
    terminal_.print_line(data.dump());
  } else if (format_ == Format::quiet) {
    if (data.size() > 0) terminal_.print_line(shown(data.object().front().second));
  } else {
    std::string out = cat("✓ ", message, "\n");
    for (const auto& [name, value] : data.object())
      if (!value.is_null())
        out += cat("  ", name, ": ", value.is_bool() ? (value.as_bool() ? "yes" : "no") : shown(value), "\n");
    terminal_.print(out);
  }
}

void Output::table(const Json::Array& rows, const std::vector<std::string>& columns) const {
  if (format_ == Format::json) return terminal_.print_line(Json(rows).dump());
  if (format_ == Format::quiet) {
    for (const auto& row : rows) terminal_.print_line(shown(row[columns.front()]));
    return;
  }
  if (rows.empty()) return terminal_.print_line("No results found.");
  std::vector<std::vector<std::string>> lines(1);
  for (const auto& column : columns) {
    auto head = column;
    std::transform(head.begin(), head.end(), head.begin(),
                   [](unsigned char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
    lines[0].push_back(std::move(head));
  }
  std::vector<bool> number(columns.size(), true);
  for (const auto& row : rows) {
    lines.emplace_back();
    for (size_t c = 0; c < columns.size(); ++c) {
      const auto& value = row[columns[c]];
      number[c] = number[c] && (value.is_null() || value.is_number());
      lines.back().push_back(shown(value));
    }
  }
  std::vector<size_t> widths(columns.size());
  for (const auto& line : lines)
    for (size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], utf8_length(line[c]));
  std::string out;
  for (const auto& line : lines) {
    for (size_t c = 0; c < line.size(); ++c) {
      const std::string space(widths[c] - utf8_length(line[c]), ' ');
      const bool last = c + 1 == line.size();
      out += number[c] ? cat(space, line[c]) : cat(line[c], last ? "" : space);
      out += last ? "\n" : "  ";
    }
  }
  terminal_.print(out);
}

}  // namespace hearth::cli
