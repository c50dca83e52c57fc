// What an archive of repositories says of itself: its manifest.json (see hub/archive.h).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/repo_id.h"

namespace hearth::hub {

struct ArchivedRepo {
  RepoId id;
  bool is_private = true;
  std::string gated, sdk;
  std::string bundle;  ///< its member of the archive, by its number: never a path that the archive chose
  std::string sha256;  ///< of the bundle
  std::map<std::string, std::string> refs;
  std::vector<std::string> objects;  ///< SHA-256 of its large files
};

/// bad_input for anything that an import could not believe: it comes from another machine.
Result<std::vector<ArchivedRepo>> parse_archive_manifest(std::string_view text);
std::string format_archive_manifest(const std::vector<ArchivedRepo>& repos);

/// Where the archive holds things.
std::string archived_bundle(size_t number);
std::string archived_object(std::string_view sha256);

}  // namespace hearth::hub
