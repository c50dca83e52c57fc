#include "hub/repo_id.h"

#include <cctype>

#include <algorithm>

#include "base/text.h"

namespace hearth::hub {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

struct KindRow {
  std::string_view name, plural, prefix;
};
constexpr KindRow kKinds[] = {{"model", "models", ""},
                              {"dataset", "datasets", "datasets/"},
                              {"space", "spaces", "spaces/"},
                              {"kernel", "kernels", "kernels/"},
                              {"bucket", "buckets", "buckets/"}};

const KindRow& row(RepoKind kind) {
  return kKinds[static_cast<size_t>(kind)];
}

}  // namespace

std::string_view kind_name(RepoKind kind) {
  return row(kind).name;
}
std::string_view kind_plural(RepoKind kind) {
  return row(kind).plural;
}
std::string_view kind_prefix(RepoKind kind) {
  return row(kind).prefix;
}

Result<RepoKind> parse_kind(std::string_view text) {
  for (const auto kind : kAllKinds)
    if (text == kind_name(kind) || text == kind_plural(kind)) return kind;
  return Status(Code::bad_input,
                cat("type '", text.substr(0, 40), "' is not known (model, dataset, space, kernel, bucket)"));
}

Status check_name(std::string_view name) {
  const auto refuse = [&](std::string_view why) {
    return Status(Code::bad_input, cat("name '", name.substr(0, 120), "' ", why));
  };
  if (name.empty() || name.size() > 96) return refuse("must have 1 to 96 characters");
  if (!std::all_of(name.begin(), name.end(), [](char c) { return is_word(c) || c == '-' || c == '.'; }))
    return refuse("may hold only letters, digits, '-', '_' and '.'");
  if (!is_word(name.front()) || !is_word(name.back()))
    return refuse("must begin and end with a letter, a digit or '_'");
  if (contains(name, "--") || contains(name, "..")) return refuse("may not hold '--' or '..'");
  const auto lower = to_lower_ascii(name);
  if (lower.ends_with(".git") || lower.ends_with(".ipynb")) return refuse("may not end with '.git' or '.ipynb'");
  return {};
}

Result<RepoId> parse_repo_id(RepoKind kind, std::string_view id) {
  const auto slash = id.find('/');
  if (slash == std::string_view::npos)
    return Status(Code::bad_input, cat("repository id '", id.substr(0, 200), "' must be 'owner/name'"));
  RepoId out{kind, std::string(id.substr(0, slash)), std::string(id.substr(slash + 1))};
  TRY(check_name(out.owner));
  TRY(check_name(out.name));
  return out;
}

Result<std::string> check_path(std::string_view path) {
  const auto refuse = [&](std::string_view why) {
    return Status(Code::bad_input, cat("path '", path.substr(0, 200), "' ", why));
  };
  if (!is_utf8(path)) return Status(Code::bad_input, "a path is not UTF-8");
  if (path.starts_with('/')) return refuse("must be relative");
  if (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return refuse("is empty");
  if (path.size() > 1024) return refuse("is longer than 1024 bytes");
  for (const char c : path)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return refuse("has a control character");
  // What Windows would read as another folder than this one. Further in, the Hub takes backslashes (huggingface_hub
  // 2.4.0 tests/test_file_download.py, "folder/..\\..\\..\\file") and clients refuse to write them.
  const bool drive = path.size() > 1 && path[1] == ':' && std::isalpha(static_cast<unsigned char>(path[0]));
  if (path.starts_with('\\') || path.starts_with("..\\") || (drive && contains(path, "\\")))
    return refuse("begins as a path of Windows does");
  for (const auto& part : split(path, '/')) {
    if (part.empty()) return refuse("has an empty part");
    if (part == "." || part == "..") return refuse("may not climb");
    if (part.size() > 255) return refuse("has a part longer than 255 bytes");
    if (equals_ignore_case(part, ".git") || equals_ignore_case(part, "git~1")) return refuse("may not touch .git");
  }
  return std::string(path);
}

bool is_whole_id(std::string_view revision) {
  return revision.size() == 40 && std::all_of(revision.begin(), revision.end(),
                                              [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; });
}

Status check_ref_name(std::string_view name) {
  const auto refuse = [&](std::string_view why) {
    return Status(Code::bad_input, cat("branch or tag '", name.substr(0, 200), "' ", why));
  };
  if (name.empty() || name.size() > 200) return refuse("must have 1 to 200 characters");
  if (!is_utf8(name)) return Status(Code::bad_input, "a branch or tag name is not UTF-8");
  for (const char c : name)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f ||
        std::string_view("~^:?*[\\").find(c) != std::string_view::npos)
      return refuse("has a character that git refuses");
  if (contains(name, "..") || contains(name, "@{") || name == "@" || name.starts_with('-') || name.ends_with('.'))
    return refuse("is not a name that git takes");
  for (const auto& part : split(name, '/'))
    if (part.empty() || part.starts_with('.') || part.ends_with(".lock")) return refuse("has a part that git refuses");
  if (name == "HEAD") return refuse("is git's own");
  if (is_whole_id(name)) return refuse("could be taken for a commit's id");
  return {};
}

}  // namespace hearth::hub
