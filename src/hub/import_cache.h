// A cache of huggingface_hub taken in as repositories: one commit a snapshot, large files by hard links.
//
// 1. A snapshot is imported once: its commit's title names it, and a second run goes on where the first one ended.
// 2. The snapshot that refs/main names becomes main's last commit, so that `main` is what it was.
// 3. A cache holds what its owner may read, not what everybody may: imported repositories are private unless it is
// said. Differs: commits get ids of this hub, since a cache does not hold the commits of the original. Source:
// huggingface_hub 2.4.0 file_download.py (layout of models--NS--NAME: refs, snapshots, blobs).
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct CacheImport {
  std::string folder;                                       ///< of the cache; empty: HF_HUB_CACHE, else $HF_HOME/hub
  std::vector<std::pair<std::string, std::string>> owners;  ///< an owner there and the one here; others keep their name
  std::string default_owner;                                ///< of names without one ("gpt2"); empty: such are left out
  bool is_private = true;
};

struct CacheImported {
  int64_t repos = 0, snapshots = 0, skipped = 0, files = 0;
  uint64_t linked_bytes = 0, copied_bytes = 0;
  std::vector<std::string> warnings;  ///< what was left out, and why
};

/// `told` hears of each snapshot before it is read. Owners that are not here are made, as organisations of the hub's
/// first administrator.
Result<CacheImported> import_cache(Hub& hub, const CacheImport& import,
                                   const std::function<void(const std::string&)>& told);

}  // namespace hearth::hub
