// One file from the Hub into the shared cache or a folder: hf_hub_download.
//
//   cached at that commit? -> the path      HEAD -> etag, commit -> blob there? -> link
//   else, under the blob's lock: GET into ETAG.incomplete (from where the last try was cut), size and hash checked,
//   renamed to its name, linked. No answer to HEAD: what the cache has of that revision.
//
// Source: huggingface_hub 2.4.0 file_download.py, _local_folder.py.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "huggingface_hub/cache.h"
#include "huggingface_hub/hf_api.h"

namespace hearth {

/// Told of bytes as they move; called from several threads.
class TransferObserver {
 public:
  virtual ~TransferObserver() = default;
  /// Before the first byte: what moves, and how much in all (0: unknown).
  virtual void begin(std::string_view what, uint64_t total_bytes) = 0;
  /// More bytes done; negative when a part has to be fetched again.
  virtual void advance(int64_t bytes) = 0;
};

struct DownloadOptions {
  std::string revision = "main";
  std::string cache_folder;  ///< empty: hf_hub_cache()
  std::string local_folder;  ///< when set, files go here as they are named, and not into the cache
  bool force_download = false;
  bool local_files_only = false;
  TransferObserver* observer = nullptr;
};

/// The local path of the file. Errors: those of HubHttp; not_found when neither the Hub nor the cache can give it;
/// no_space; io when the bytes do not match their hash.
Result<std::string> hf_hub_download(const HfApi& api, const RepoName& repo, std::string_view filename,
                                    const DownloadOptions& options, std::stop_token stop = {});

/// What is known of a file without asking for it.
struct KnownFile {
  std::string filename;
  std::string commit_hash;
  std::string etag;
  std::optional<uint64_t> size;
  std::string location;  ///< empty: the Hub's own address of it
};
/// Fetches a file whose etag is known, unless it is there.
Result<std::string> fetch_known_file(const HfApi& api, const RepoName& repo, const KnownFile& file,
                                     const DownloadOptions& options, std::stop_token stop);

}  // namespace hearth
