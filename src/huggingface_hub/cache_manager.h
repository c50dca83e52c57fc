// What the shared cache holds, and removing from it: scan_cache_dir and its deletions.
// Source: huggingface_hub 2.4.0 utils/_cache_manager.py.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "huggingface_hub/repo.h"

namespace hearth {

struct CachedRevision {
  std::string commit_hash;
  std::string snapshot_path;
  std::vector<std::string> refs;   ///< branches and tags that point here; empty: detached
  std::vector<std::string> files;  ///< below the snapshot, sorted
  std::vector<std::string> blobs;  ///< paths, sorted, each once
  uint64_t size_on_disk = 0;
  double last_modified = 0;  ///< Unix seconds
};

struct CachedRepo {
  RepoName repo;
  std::string path;
  std::vector<CachedRevision> revisions;  ///< by commit hash
  uint64_t size_on_disk = 0;              ///< shared blobs once
  double last_accessed = 0;
  double last_modified = 0;

  /// "model/ann/bert": how the command line names it.
  std::string cache_id() const;
};

struct IncompleteFile {
  std::string path;
  uint64_t size = 0;
};

struct CacheInfo {
  std::string folder;
  std::vector<CachedRepo> repos;  ///< by cache_id
  std::vector<IncompleteFile> incomplete;
  std::vector<std::string> warnings;  ///< folders that are no whole repository
  uint64_t size_on_disk = 0;
};

/// not_found when the folder does not exist.
Result<CacheInfo> scan_cache_dir(const std::string& folder);

/// A deletion: whole repositories, or revisions with the blobs that no other revision uses.
struct CacheDeletion {
  std::vector<std::string> paths;  ///< files and folders to remove, in order
  uint64_t freed_bytes = 0;
  int64_t repo_count = 0;      ///< whole repositories
  int64_t revision_count = 0;  ///< all revisions, those of whole repositories too

  Status execute() const;
};

/// The deletion of these revisions, each "<cache_id>@<commit>".
CacheDeletion plan_deletion(const CacheInfo& cache, std::span<const std::string> revisions);

}  // namespace hearth
