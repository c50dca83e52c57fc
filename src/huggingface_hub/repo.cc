#include "huggingface_hub/repo.h"

#include <algorithm>
#include <cctype>

#include "base/encoding.h"
#include "base/text.h"

namespace hearth {
namespace {

constexpr std::string_view kNames[] = {"model", "dataset", "space"};
constexpr std::string_view kPlurals[] = {"models", "datasets", "spaces"};
constexpr std::string_view kPrefixes[] = {"", "datasets/", "spaces/"};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool is_name(std::string_view part) {
  if (part.empty() || part.size() > 96 || !is_word(part.front()) || !is_word(part.back())) return false;
  return std::all_of(part.begin(), part.end(), [](char c) { return is_word(c) || c == '-' || c == '.'; });
}

bool matches_any(std::string_view path, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    const auto slashed = replace_all(pattern, "\\", "/");
    return fnmatch(slashed.ends_with('/') ? slashed + "*" : slashed, path);
  });
}

/// Splits "datasets/ns/name" into a type and the rest; a model without such a prefix.
RepoType take_type(std::string_view& text) {
  for (size_t i = 0; i < std::size(kPlurals); ++i) {
    const auto prefix = cat(kPlurals[i], "/");
    if (!text.starts_with(prefix)) continue;
    text.remove_prefix(prefix.size());
    return static_cast<RepoType>(i);
  }
  return RepoType::model;
}

}  // namespace

std::string_view repo_type_name(RepoType type) {
  return kNames[static_cast<int>(type)];
}
std::string_view repo_type_plural(RepoType type) {
  return kPlurals[static_cast<int>(type)];
}
std::string_view repo_type_prefix(RepoType type) {
  return kPrefixes[static_cast<int>(type)];
}

Result<RepoType> parse_repo_type(std::string_view text) {
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (text == kNames[i] || text == kPlurals[i]) return static_cast<RepoType>(i);
  return Status(Code::bad_input, cat("'", text, "' is no type of repository (model, dataset, space)"));
}

Status validate_repo_id(std::string_view repo_id) {
  const auto parts = split(repo_id, '/');
  std::string_view wrong;
  if (parts.size() > 2) {
    wrong = "is not of the form 'name' or 'namespace/name'; the type goes into --repo-type";
  } else if (!std::all_of(parts.begin(), parts.end(), is_name)) {
    wrong = "must be letters, digits, '-', '_' and '.', 96 at most, not beginning or ending with '-' or '.'";
  } else if (contains(repo_id, "--") || contains(repo_id, "..")) {
    wrong = "must not contain '--' or '..'";
  } else if (repo_id.ends_with(".git")) {
    wrong = "must not end with '.git'";
  }
  if (wrong.empty()) return {};
  return Status(Code::bad_input, cat("repository id '", repo_id, "' ", wrong));
}

std::string RepoName::api_path() const {
  return cat("/api/", repo_type_plural(type), "/", id);
}
std::string RepoName::url_path() const {
  return cat("/", repo_type_prefix(type), id);
}

Result<RepoArgument> parse_repo_argument(std::string_view text, std::string_view type_option) {
  RepoArgument out;
  if (text.starts_with("hf://")) {
    if (!type_option.empty())
      return Status(Code::bad_input, cat("--repo-type cannot be used with an hf:// address ('", text, "')"));
    auto rest = text.substr(5);
    out.repo.type = take_type(rest);
    const auto first = rest.find('/');
    const auto second = first == std::string_view::npos ? first : rest.find('/', first + 1);
    auto id = rest.substr(0, second);
    if (second != std::string_view::npos) out.path = std::string(rest.substr(second + 1));
    if (const auto at = id.find('@'); at != std::string_view::npos) {
      out.revision = TRY(percent_decode(id.substr(at + 1)));
      id = id.substr(0, at);
      // A revision with slashes as people write it: refs/pr/1 is the one kind of them.
      if (out.revision == "refs" && (out.path.starts_with("pr/") || out.path.starts_with("convert/"))) {
        const auto end = out.path.find('/', out.path.find('/') + 1);
        out.revision += cat("/", std::string_view(out.path).substr(0, end));
        out.path = end == std::string::npos ? "" : out.path.substr(end + 1);
      }
      if (out.revision.empty()) return Status(Code::bad_input, cat("'", text, "' names no revision after '@'"));
    }
    out.repo.id = std::string(id);
  } else {
    if (!type_option.empty()) out.repo.type = TRY(parse_repo_type(type_option));
    if (std::count(text.begin(), text.end(), '/') == 2) {
      const auto type = take_type(text);
      if (!type_option.empty() && type != RepoType::model && type != out.repo.type)
        return Status(Code::bad_input,
                      cat("--repo-type ", type_option, " and a repository under ", repo_type_plural(type)));
      if (type_option.empty()) out.repo.type = type;
    }
    out.repo.id = std::string(text);
  }
  TRY(validate_repo_id(out.repo.id));
  return out;
}

bool is_commit_hash(std::string_view revision) {
  return revision.size() == 40 && std::all_of(revision.begin(), revision.end(),
                                              [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Status validate_relative_filename(std::string_view filename) {
  const auto slashed = replace_all(filename, "\\", "/");
  std::string_view wrong;
  if (slashed.empty() || slashed.find('\0') != std::string::npos) wrong = "is empty or holds a zero byte";
  if (slashed.starts_with('/')) wrong = "is absolute";
  for (const auto part : split(slashed, '/')) {
    if (part == "..") wrong = "has a '..' segment";
    if (part.size() >= 2 && std::isalpha(static_cast<unsigned char>(part[0])) && part[1] == ':')
      wrong = "names a drive";
  }
  if (wrong.empty()) return {};
  return Status(Code::bad_input, cat("file name '", filename, "' ", wrong, ": it must stay inside the repository"));
}

std::vector<std::string> filter_repo_objects(std::span<const std::string> paths,
                                             const std::optional<std::vector<std::string>>& allow,
                                             const std::vector<std::string>& ignore) {
  std::vector<std::string> out;
  for (const auto& path : paths) {
    const auto slashed = replace_all(path, "\\", "/");
    if (allow && !matches_any(slashed, *allow)) continue;
    if (matches_any(slashed, ignore)) continue;
    out.push_back(path);
  }
  return out;
}

}  // namespace hearth
