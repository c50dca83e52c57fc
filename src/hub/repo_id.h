// Names on the Hub: kinds of repositories, `owner/name` ids, revisions and paths, with their rules.
// Source: huggingface_hub 2.4.0 utils/_validators.py (validate_repo_id); git check-ref-format for branch names.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::hub {

/// A bucket is a repository without git: files by name, no revisions (hub/buckets.h).
enum class RepoKind { model, dataset, space, kernel, bucket };
inline constexpr RepoKind kAllKinds[] = {RepoKind::model, RepoKind::dataset, RepoKind::space, RepoKind::kernel,
                                         RepoKind::bucket};
inline constexpr RepoKind kGitKinds[] = {RepoKind::model, RepoKind::dataset, RepoKind::space, RepoKind::kernel};
inline constexpr bool has_git(RepoKind kind) {
  return kind != RepoKind::bucket;
}

/// "model", "dataset", "space", "kernel", "bucket": as JSON bodies name them.
std::string_view kind_name(RepoKind kind);
/// "models", "datasets", ...: as paths name them.
std::string_view kind_plural(RepoKind kind);
/// Reads either form; bad_input that lists the kinds otherwise.
Result<RepoKind> parse_kind(std::string_view text);
/// What stands before the id in addresses of the site and of git: "" for models, "datasets/", "spaces/", ...
std::string_view kind_prefix(RepoKind kind);

/// Letters, digits, `-`, `_`, `.`; 1 to 96; no `--` or `..`; begins and ends with a letter, digit or `_`; no `.git` or
/// `.ipynb` at the end. bad_input says which rule is broken. Also the rule for names of users.
Status check_name(std::string_view name);

struct RepoId {
  RepoKind kind = RepoKind::model;
  std::string owner;
  std::string name;
  std::string full() const { return owner + "/" + name; }
};

/// `owner/name`, both parts checked.
Result<RepoId> parse_repo_id(RepoKind kind, std::string_view id);

/// A path inside a repository: relative, no empty, `.`, `..` or `.git` part, no control character or drive, UTF-8,
/// at most 1024 bytes. bad_input otherwise. Returns it without a slash at the end.
Result<std::string> check_path(std::string_view path);

/// A whole commit id: 40 hexadecimal digits?
bool is_whole_id(std::string_view revision);

/// A branch or tag name that git takes, and that nobody mistakes for a commit.
Status check_ref_name(std::string_view name);

}  // namespace hearth::hub
