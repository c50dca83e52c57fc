// All files of a revision, or those that match, several at a time: snapshot_download.
// Source: huggingface_hub 2.4.0 _snapshot_download.py. Differs: the tree tells each file's etag and size, so that no
// HEAD is asked for.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "huggingface_hub/file_download.h"

namespace hearth {

struct SnapshotOptions {
  DownloadOptions download;
  std::optional<std::vector<std::string>> allow_patterns;
  std::vector<std::string> ignore_patterns;
  int max_workers = 8;
};

/// One file of the plan.
struct SnapshotFile {
  std::string path;
  uint64_t size = 0;
  bool is_cached = false;
};
struct Snapshot {
  std::string folder;
  std::string commit_hash;
  std::vector<SnapshotFile> files;  ///< empty when the Hub was not asked
};

/// The folder with the files. Without an answer of the Hub: the cached snapshot, not_found when it lacks files.
Result<Snapshot> snapshot_download(const HfApi& api, const RepoName& repo, const SnapshotOptions& options,
                                   std::stop_token stop = {});
/// What snapshot_download would do.
Result<Snapshot> plan_snapshot(const HfApi& api, const RepoName& repo, const SnapshotOptions& options,
                               std::stop_token stop = {});

}  // namespace hearth
