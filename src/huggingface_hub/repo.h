// What a client calls a repository: its type and id, revisions, file names, and the glob patterns that choose files.
// Source: huggingface_hub 2.4.0 utils/_validators.py, utils/_paths.py, utils/_hf_uris.py, _local_folder.py.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth {

enum class RepoType { model, dataset, space };

std::string_view repo_type_name(RepoType type);    ///< "model": in JSON bodies
std::string_view repo_type_plural(RepoType type);  ///< "models": in API paths and the cache
std::string_view repo_type_prefix(RepoType type);  ///< "", "datasets/", "spaces/": in addresses of pages and files
/// Reads the singular or the plural form.
Result<RepoType> parse_repo_type(std::string_view text);

/// "name" or "namespace/name": ASCII letters, digits, `-`, `_`, `.`; 1 to 96 each; no `--`, `..`, no `.git` at the end.
Status validate_repo_id(std::string_view repo_id);

struct RepoName {
  RepoType type = RepoType::model;
  std::string id;

  std::string api_path() const;  ///< "/api/models/ann/bert"
  std::string url_path() const;  ///< "/ann/bert", "/datasets/ann/rows"
};

/// What a person types for a repository: `ns/name`, `datasets/ns/name`, `hf://datasets/ns/name@rev/path`.
struct RepoArgument {
  RepoName repo;
  std::string revision;  ///< empty unless a URI gave one
  std::string path;      ///< empty unless a URI gave one; keeps a slash at its end
};
/// bad_input that says what is wrong. `type_option` is the value of --repo-type, empty when not given.
Result<RepoArgument> parse_repo_argument(std::string_view text, std::string_view type_option = {});

/// Forty lower-case hexadecimal digits.
bool is_commit_hash(std::string_view revision);
/// A path of the repository must stay below its folder: no `..` segment, not absolute, no drive.
Status validate_relative_filename(std::string_view filename);

/// The paths that match one of `allow` (all, when nothing is given) and none of `ignore`. Python's fnmatch, where `*`
/// crosses slashes; a pattern with a slash at its end means all below.
std::vector<std::string> filter_repo_objects(std::span<const std::string> paths,
                                             const std::optional<std::vector<std::string>>& allow,
                                             const std::vector<std::string>& ignore);

}  // namespace hearth
