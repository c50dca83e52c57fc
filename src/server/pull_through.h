// What this hub lacks and an upstream has: fetched at the first request, kept, and served when the upstream is gone.
//
// 1. Commits come by git, so their ids are the upstream's and clients' caches agree.
// 2. Large files come at their first read, to the store and to the readers at once.
// 3. What the upstream does not have is remembered for a while, and so is that it cannot be reached.
// 4. Few requests at a time wait for upstreams; more are told to come back. Visitors may be kept from causing anything
//    to come, and an upstream may be kept to repositories of a size.
// 5. What the upstream deletes, or hides from this hub, is served as far as it came; the rest is said to be lost.
// 6. What is renamed there is found under its new name, and moves here with it; so does its visibility.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "hub/mirrors.h"
#include "server/growing_file.h"
#include "server/remote_hub.h"

namespace hearth::server {

struct PullOptions {
  int64_t fresh_ms = 60'000;   ///< refs are asked for again after that, at a read
  int64_t miss_ms = 300'000;   ///< an absent repository is not asked for again before that
  int64_t down_ms = 30'000;    ///< nor an upstream that could not be reached
  int waiting_max = 4;         ///< requests that wait for git and descriptions
  size_t transfers_max = 128;  ///< large files on their way, and readers of such
  bool anonymous = true;       ///< callers without a name may cause something new to come
};

/// Thread-safe.
class PullThrough {
 public:
  PullThrough(hub::Hub& hub, PullOptions options);
  ~PullThrough();

  /// The repository as `found` has it, after it was fetched or refreshed where an upstream holds its truth. `revision`,
  /// when not empty, is asked for at once if it is unknown here.
  Result<hub::Repo> look(const hub::RepoId& id, Result<hub::Repo> found, std::string_view revision, bool is_anonymous,
                         const std::stop_token& stop);

  /// forbidden for a mirror: its commits come from elsewhere.
  Status check_write(const hub::Repo& repo);

  /// A large file that has to come from the remote: on its way. Nothing when the repository is no mirror, or when the
  /// file came before. unauthenticated or forbidden when it may not come for this caller, or not at all.
  Result<std::shared_ptr<GrowingFile>> object(const hub::Repo& repo, const std::string& sha256, uint64_t size_bytes,
                                              bool is_anonymous);
  /// Ok, or entry_not_found for what did not come before the repository's remote lost it.
  Status check_lost(const hub::Repo& repo);
  /// Could `object` ask the remote?
  Result<bool> may_hold(const hub::Repo& repo, std::string_view sha256);

  /// For mirrors and imports: commits, then every large file of every branch and tag, until all is here or the stop.
  Status copy(hub::Mirror mirror, const std::stop_token& stop);

 private:
  struct State;
  Result<hub::Repo> pull(hub::Mirror mirror, const std::stop_token& stop, bool may_be_renamed = true);
  Result<hub::Repo> pull_renamed(const hub::Mirror& mirror, const RemoteRepo& described, const std::stop_token& stop);
  Result<RemoteRepo> describe(const hub::Mirror& mirror, const std::stop_token& stop);
  Status refresh(hub::Mirror& mirror, const hub::Repo& repo, const std::stop_token& stop);
  Status follow(hub::Mirror& mirror, const hub::Repo& repo, const RemoteRepo& described);
  Status fetch(hub::Mirror& mirror, const hub::Repo& repo);
  Result<std::shared_ptr<GrowingFile>> transfer(const hub::Mirror& mirror, const hub::Repo& repo,
                                                const std::string& sha256, uint64_t size_bytes);
  Status keep(const hub::Repo& repo, const GrowingFile& file);
  hub::Hub& hub_;
  const PullOptions options_;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::server
