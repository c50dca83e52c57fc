// Which paths git keeps in LFS (.gitattributes) or leaves out (.gitignore).
// Source: git 2.39 gitattributes(5), gitignore(5), wildmatch.c. Differs: only the files at a repository's root are
// read, since that is where the Hub and its clients write them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/repo_id.h"

namespace hearth::hub {

/// git's pattern match on a whole path: `*` and `?` stay within a folder, `**` crosses, `[a-z]`, `[[:space:]]`, `\`
/// quotes.
bool wildmatch(std::string_view pattern, std::string_view path);

/// The `filter` attribute of a .gitattributes file.
class Attributes {
 public:
  explicit Attributes(std::string_view text);
  /// True when the last matching line that speaks of `filter` says `lfs`.
  bool is_lfs(std::string_view path) const;

 private:
  struct Line {
    std::string pattern;
    bool lfs;
  };
  std::vector<Line> lines_;
};

/// A line that puts exactly this path into LFS.
std::string lfs_attribute_line(std::string_view path);

/// The patterns of a .gitignore file.
class Ignore {
 public:
  explicit Ignore(std::string_view text);
  /// True when the file, or a folder above it, is left out.
  bool matches(std::string_view path) const;

 private:
  struct Line {
    std::string pattern;
    bool negated, folder_only;
  };
  bool matches_one(std::string_view path, bool is_folder) const;
  std::vector<Line> lines_;
};

/// The .gitattributes of a new repository: what the public Hub puts there. Datasets hold media in LFS too.
std::string default_attributes(RepoKind kind);

}  // namespace hearth::hub
