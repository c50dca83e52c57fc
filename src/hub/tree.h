// Reading a repository: revisions, folders in pages, single files.
// Source: huggingface_hub 2.4.0 HfApi.list_repo_tree, get_paths_info, hf_hub_url.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

/// What a git-LFS pointer names.
struct LfsPointer {
  std::string sha256;
  uint64_t size_bytes = 0;
  uint64_t pointer_size_bytes = 0;  ///< of the pointer file itself
  std::string xet_hash = {};        ///< of the content's Xet form; empty when it has none, or nobody looked
};

struct CommitSummary {
  std::string id;
  std::string title;
  int64_t date_ms = 0;
};

struct TreeEntry {
  bool is_folder = false;
  std::string path;
  std::string oid;          ///< git's: blob or tree
  uint64_t size_bytes = 0;  ///< of the real file, not of its pointer; 0 for folders
  std::optional<LfsPointer> lfs;
  std::optional<CommitSummary> last_commit;  ///< when asked for

  /// The name of the content: SHA-256 of a big file, git's blob id of a small one.
  const std::string& etag() const { return lfs ? lfs->sha256 : oid; }
};

struct TreePage {
  std::string commit;
  std::vector<TreeEntry> entries;
  std::string next;  ///< cursor of the next page, empty on the last
};

struct TreeQuery {
  std::string path;  ///< empty: the root
  bool recursive = false;
  bool expand = false;  ///< with last_commit
  std::string cursor;
  int64_t limit = 1000;
};

/// The commit id (40 hex) of a branch, tag, `refs/...`, full or short commit id; revision_not_found otherwise.
Result<std::string> resolve_revision(const Hub& hub, const Repo& repo, std::string_view revision);

/// One page of a folder; entry_not_found for a path that is absent or a file. Folders and files in git's order.
Result<TreePage> list_tree(const Hub& hub, const Repo& repo, std::string_view revision, const TreeQuery& query);

/// The entries of those paths that exist.
Result<TreePage> paths_info(const Hub& hub, const Repo& repo, std::string_view revision,
                            const std::vector<std::string>& paths, bool expand = false);

/// Every file at a revision, in git's order, up to 100 000.
Result<std::vector<TreeEntry>> list_files(const Hub& hub, const Repo& repo, std::string_view revision);

struct FileAt {
  std::string commit;
  TreeEntry entry;
};
/// A file at a revision. revision_not_found, entry_not_found (absent, or a folder). Resolve the revision first where
/// the commit must be told even when the file is absent (X-Repo-Commit).
Result<FileAt> find_file(const Hub& hub, const Repo& repo, std::string_view revision, std::string_view path);

/// The bytes that git holds for the entry (for a big file: its pointer); too_large over `max_bytes`.
Result<std::string> read_blob(const Hub& hub, const Repo& repo, std::string_view oid, uint64_t max_bytes = 64u << 20);

/// A file's bytes, from git or from the store.
Result<std::string> read_file(const Hub& hub, const Repo& repo, std::string_view revision, std::string_view path,
                              uint64_t max_bytes);

/// Reads `version https://git-lfs.github.com/spec/v1 ...`; nothing when the text is no pointer.
std::optional<LfsPointer> parse_pointer(std::string_view text);
std::string format_pointer(std::string_view sha256, uint64_t size_bytes);

}  // namespace hearth::hub
