#include "hub/configuration.h"

#include "base/files.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr uint64_t kFileMax = 64 << 10;

struct Key {
  std::string_view name;
  std::string Configuration::*value;
};
constexpr Key kKeys[] = {{"database", &Configuration::database},
                         {"objects", &Configuration::objects},
                         {"repositories", &Configuration::repositories}};

std::string file_of(const std::string& folder) {
  return path_join(folder, "hearth.toml");
}

// A basic ("...", with \" and \\) or literal ('...') string, with nothing but a comment behind it.
Result<std::string> parse_string(std::string_view text) {
  const auto bad = [] { return Status(Code::bad_input, "the value is a text in quotes: key = \"value\""); };
  if (text.empty() || (text[0] != '"' && text[0] != '\'')) return bad();
  const char quote = text[0];
  std::string out;
  size_t i = 1;
  for (; i < text.size() && text[i] != quote; ++i) {
    if (quote == '"' && text[i] == '\\') {
      if (++i == text.size() || (text[i] != '"' && text[i] != '\\')) return bad();
    }
    out.push_back(text[i]);
  }
  if (i >= text.size()) return bad();
  const auto rest = trim(text.substr(i + 1));
  if (!rest.empty() && rest[0] != '#') return bad();
  return out;
}

Status parse_line(std::string_view line, Configuration& out) {
  const auto equals = line.find('=');
  const auto name = trim(line.substr(0, equals));
  if (equals == std::string_view::npos) return Status(Code::bad_input, "not `key = \"value\"`");
  for (const auto& key : kKeys) {
    if (key.name != name) continue;
    if (!(out.*key.value).empty()) return Status(Code::bad_input, cat("'", name, "' is there twice"));
    out.*key.value = TRY(parse_string(trim(line.substr(equals + 1))));
    return {};
  }
  return Status(Code::bad_input, cat("'", name, "' is not known (database, objects, repositories)"));
}

}  // namespace

Result<Configuration> parse_configuration(std::string_view text) {
  Configuration out;
  int number = 0;
  for (const auto raw : split(text, '\n')) {
    ++number;
    const auto line = trim(raw);
    if (line.empty() || line[0] == '#') continue;
    auto status = parse_line(line, out);
    if (!status.ok()) return std::move(status).with(cat("line ", number));
  }
  return out;
}

std::string format_configuration(const Configuration& configuration) {
  std::string out;
  for (const auto& key : kKeys) {
    const auto& value = configuration.*key.value;
    if (!value.empty())
      out += cat(key.name, " = \"", replace_all(replace_all(value, "\\", "\\\\"), "\"", "\\\""), "\"\n");
  }
  return out;
}

Result<Configuration> read_configuration(const std::string& folder) {
  const auto text = read_file(file_of(folder), kFileMax);
  if (text.status().code() == Code::not_found) return Configuration();
  if (!text.ok()) return text.status().clone();
  auto parsed = parse_configuration(*text);
  if (!parsed.ok()) return std::move(parsed).status().with(file_of(folder));
  return parsed;
}

Status configure(const std::string& folder, const Configuration& wanted) {
  auto has = TRY(read_configuration(folder));
  const bool set_up = exists(file_of(folder)) || exists(path_join(folder, "hearth.db"));
  bool changed = false;
  for (const auto& key : kKeys) {
    const auto& value = wanted.*key.value;
    if (value.empty() || value == has.*key.value) continue;
    if (set_up)
      return Status(
          Code::bad_input,
          cat("--", key.name, " differs from what ", folder, " was set up with (",
              (has.*key.value).empty() ? "local files" : file_of(folder),
              "): leave the flag out; or move the hub with `hearth admin backup` and `hearth admin restore`"));
    if (value.find('\n') != std::string::npos) return Status(Code::bad_input, cat("--", key.name, " is one line"));
    has.*key.value = value;
    changed = true;
  }
  if (!changed) return {};
  TRY(make_folders(folder, 0700));
  return write_file(file_of(folder), format_configuration(has), 0600);  // a URL may hold a password
}

}  // namespace hearth::hub
