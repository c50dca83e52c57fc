// Changing a repository's past: squashing a branch, and removing stored files for good.
// Source: huggingface_hub 2.4.0 HfApi.super_squash_history, list_lfs_files, permanently_delete_lfs_files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

/// Replaces a branch's history by one commit with the files of its head; the commit's id. revision_not_found for what
/// is no branch, forbidden for a protected one, precondition when it moved meanwhile.
Result<std::string> super_squash(Hub& hub, const Repo& repo, const Caller& by, std::string_view branch,
                                 std::string_view message);

/// The size over which LFS uploads of this repository go in parts; 0: the hub's own.
Result<int64_t> lfs_multipart_bytes(const Hub& hub, const Repo& repo);

struct StoredFileInfo {
  std::string sha256;
  std::string path;  ///< one of its names; empty when it was uploaded and never committed
  std::string ref;
  uint64_t size_bytes = 0;
  int64_t pushed_ms = 0;
};
struct StoredFilePage {
  std::vector<StoredFileInfo> files;
  std::string next;  ///< cursor, empty on the last page
};
/// The big files that the repository holds, in the order of their hashes.
Result<StoredFilePage> list_stored_files(const Hub& hub, const Repo& repo, const std::string& cursor, int64_t limit);

/// Takes stored files from the repository; those that nobody else holds become garbage. With `rewrite_history` every
/// branch, tag and pull request is rewritten as if their pointers had never been; commits that change nothing then
/// stay, so that their messages do. Without it the pointers lead nowhere.
Status delete_stored_files(Hub& hub, const Repo& repo, const Caller& by, const std::vector<std::string>& sha256s,
                           bool rewrite_history);

}  // namespace hearth::hub
