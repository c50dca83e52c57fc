#include "cli/help.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::cli {
namespace {

/// `text` in lines of at most `width`, all but the first begun with `indent` spaces.
std::string wrap(std::string_view text, size_t indent, size_t width) {
  std::string out;
  size_t column = indent;
  for (const auto word : split(text, ' ')) {
    if (word.empty()) continue;
    if (column > indent && column + 1 + word.size() > width) {
      out += cat("\n", std::string(indent, ' '));
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += utf8_length(word);
  }
  return out;
}

using Row = std::pair<std::string, std::string>;

/// Two columns, the left one as wide as its widest word (28 at most; a wider one gets a line of its own).
std::string columns(const std::vector<Row>& rows, int width) {
  size_t left = 0;
  for (const auto& row : rows)
    if (row.first.size() <= 28) left = std::max(left, row.first.size());
  const size_t indent = left + 4;
  std::string out;
  for (const auto& [name, text] : rows) {
    out += cat("  ", name);
    out += name.size() > left ? cat("\n", std::string(indent, ' ')) : std::string(indent - 2 - name.size(), ' ');
    out += cat(wrap(text, indent, static_cast<size_t>(std::clamp(width, 60, 110))), "\n");
  }
  return out;
}

struct Heading {
  Group group;
  std::string_view text;
};
constexpr Heading kHeadings[] = {
    {Group::run, "Use models"},        {Group::hub, "Serve a Hub"},      {Group::repositories, "Work with a Hub"},
    {Group::files, "Look into files"}, {Group::machine, "This machine"},
};

}  // namespace

std::string main_help(std::span<const Commands* const> table, int width) {
  std::string out =
      "hearth: Hugging Face on your own machine.\n\n"
      "Usage: hearth [--data DIR] COMMAND [ARGUMENTS]...\n";
  for (const auto& heading : kHeadings) {
    std::vector<Row> rows;
    for (const auto* commands : table)
      if (commands->group == heading.group) rows.emplace_back(commands->name, commands->summary);
    if (!rows.empty()) out += cat("\n", heading.text, "\n", columns(rows, width));
  }
  out += "\nOptions\n";
  out +=
      columns({{"--data DIR", "The folder of the Hub on this machine (or HEARTH_DATA), before or after the command."},
               {"--help", "This text; `hearth COMMAND --help` for one command."},
               {"--version", "The version."}},
              width);
  out += "\nEnvironment\n";
  out += columns({{"HF_ENDPOINT",
                   "The Hub to talk to; unset, the one last served on this machine, else "
                   "http://127.0.0.1:8686."},
                  {"HF_TOKEN", "The access token, instead of the one that `hearth auth login` saved."},
                  {"HF_HOME", "Where tokens and the cache live (~/.cache/huggingface), shared with Python."}},
                 width);
  return out;
}

std::string group_help(const Commands& commands, std::string_view prefix, int width) {
  std::string out = cat("Usage: hearth ", prefix, "COMMAND [ARGUMENTS]...\n\n", commands.summary, "\n\nCommands\n");
  std::vector<Row> rows;
  for (const auto& command : commands.rows)
    if (command.verb.starts_with(prefix)) rows.emplace_back(command.verb.substr(prefix.size()), command.summary);
  out += columns(rows, width);
  out += cat("\n`hearth ", prefix, "COMMAND --help` tells more about one.\n");
  return out;
}

std::string verb_help(const Command& command, int width) {
  std::string out = cat("Usage: hearth ", command.verb, command.options.empty() ? "" : " [OPTIONS]",
                        command.usage.empty() ? "" : " ", command.usage, "\n\n", command.summary, "\n");
  std::vector<Row> rows;
  for (const auto& option : command.options) {
    std::string name;
    if (!option.also.empty()) name = cat(option.also.size() == 1 ? "-" : "--", option.also, ", ");
    name += cat("--", option.name);
    if (!option.value.empty()) name += cat(" ", option.value);
    rows.emplace_back(std::move(name), cat(option.help, option.repeated ? "; may be repeated" : ""));
  }
  rows.emplace_back("--help", "This text.");
  out += cat("\nOptions\n", columns(rows, width));
  if (!command.help.empty()) out += cat("\n", command.help, command.help.ends_with('\n') ? "" : "\n");
  return out;
}

}  // namespace hearth::cli
