// Another hub as this one's source: what it says of a repository, its commits by git, its large files by LFS.
// Source: huggingface_hub 2.4.0 HfApi.repo_info; git 2.39 gitprotocol-http; git-lfs docs/api/batch.md.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "hub/mirrors.h"

namespace hearth::server {

struct RemoteRepo {
  std::string full_name;  ///< as spelt there
  bool is_private = false;
  std::string gated;  ///< "", "auto" or "manual"
  std::string sdk;
  int64_t used_bytes = 0;  ///< of its files; 0 when it does not say
};

/// Renamed ones are found under their new name. repo_not_found when it is not there or not for our token; unavailable
/// when the hub cannot be reached.
Result<RemoteRepo> remote_repo(const hub::Mirror& mirror, const std::stop_token& stop);

/// Brings every ref of the bare repository to where the remote has it, deleted ones too, all or none.
Status fetch_commits(const hub::Mirror& mirror, const std::string& git_folder);

/// Receives a large file from byte `offset` on.
/// entry_not_found when the remote does not have it.
Status fetch_object(const hub::Mirror& mirror, const std::string& sha256, uint64_t size_bytes, uint64_t offset,
                    const std::function<bool(std::string_view)>& sink, const std::stop_token& stop);

}  // namespace hearth::server
