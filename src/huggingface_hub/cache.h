// The cache on disk that Python and Hearth share, one repository's folder in it:
//
//   CACHE/models--ns--name/refs/main                     the commit that a branch or tag was at
//   CACHE/models--ns--name/snapshots/COMMIT/a/file       a relative link to its blob
//   CACHE/models--ns--name/blobs/ETAG                    the bytes; ETAG is git's blob id or the SHA-256
//   CACHE/models--ns--name/blobs/ETAG.incomplete         a download that was cut, resumed by the next
//   CACHE/models--ns--name/.no_exist/COMMIT/a/file       empty: the Hub said that there is no such file
//   CACHE/models--ns--name/trees/COMMIT.json             the list of the commit's files
//   CACHE/.locks/models--ns--name/ETAG.lock              flock while the blob is written
//
// 1. A blob appears under its name only whole and checked (rename).
// 2. Blobs are written under their lock; readers need none.
// Source: huggingface_hub 2.4.0 file_download.py, _tree_cache.py. Differs: Python 2.x starts a cut download anew.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"
#include "huggingface_hub/repo.h"

namespace hearth {

/// An exclusive lock on a file, as Python's filelock takes it (flock); released at the end.
class FileLock {
 public:
  /// Waits until free; cancelled when stopped.
  static Result<FileLock> acquire(const std::string& path, std::stop_token stop = {});

 private:
  explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

/// One file of a commit's list.
struct TreeFile {
  uint64_t size = 0;
  std::string blob_id;  ///< git's
  std::string sha256;   ///< of a large file, else empty
  std::string xet_hash;

  /// The name of its blob in the cache.
  const std::string& etag() const { return sha256.empty() ? blob_id : sha256; }
};
using TreeFiles = std::map<std::string, TreeFile>;

/// The folder of one repository in a cache folder.
class RepoCache {
 public:
  RepoCache(std::string cache_folder, const RepoName& repo);

  const std::string& folder() const { return folder_; }
  std::string blob(std::string_view etag) const;
  std::string lock(std::string_view etag) const;
  std::string snapshot(std::string_view commit) const;
  std::string pointer(std::string_view commit, std::string_view filename) const;

  /// The commit that `revision` was last seen at; itself when it is a commit; nothing when never seen.
  std::optional<std::string> commit_of(std::string_view revision) const;
  Status write_ref(std::string_view revision, std::string_view commit) const;
  /// True when the Hub said before that the commit has no such file.
  bool is_known_absent(std::string_view commit, std::string_view filename) const;
  void write_absent(std::string_view commit, std::string_view filename) const;
  /// Makes `filename` of the snapshot a relative link to the blob, replacing what is there.
  Status link(std::string_view etag, std::string_view commit, std::string_view filename) const;
  /// Makes the folders for a blob and a pointer, and marks the cache folder for backup tools (CACHEDIR.TAG).
  Status prepare(std::string_view commit, std::string_view filename) const;

 private:
  std::string cache_folder_;
  std::string name_;
  std::string folder_;
};

/// The file's path when it is in the cache at that revision.
std::optional<std::string> try_to_load_from_cache(const RepoName& repo, std::string_view filename,
                                                  std::string_view revision, const std::string& cache_folder);

/// The list of a commit's files below `folder` (trees/COMMIT.json), when it was kept.
std::optional<TreeFiles> read_tree_cache(const std::string& folder, std::string_view commit);
void write_tree_cache(const std::string& folder, std::string_view commit, const TreeFiles& files);

/// "models--ns--name"
std::string repo_folder_name(const RepoName& repo);
/// Writes CACHEDIR.TAG unless it is there.
void write_cachedir_tag(const std::string& folder);

}  // namespace hearth
