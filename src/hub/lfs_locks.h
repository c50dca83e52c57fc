// File locks of git-lfs: a path of a repository that one user holds.
// Source: git-lfs docs/api/locking.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct LfsLock {
  int64_t id = 0;
  std::string path;
  std::string ref;
  int64_t owner_id = 0;
  std::string owner;
  int64_t locked_ms = 0;
};

struct LfsLockQuery {
  std::string path;  ///< only this path, when not empty
  std::optional<int64_t> id;
  int64_t after = 0;  ///< locks with larger ids
  int64_t limit = 100;
};
struct LfsLockPage {
  std::vector<LfsLock> locks;
  int64_t next = 0;  ///< `after` of the next page; 0 on the last
};

/// A new lock, or the one that is there (`taken`).
struct LfsLockMade {
  LfsLock lock;
  bool taken = false;
};
/// bad_input for a bad path.
Result<LfsLockMade> lock_path(Hub& hub, const Repo& repo, const User& owner, std::string_view path,
                              std::string_view ref);
Result<LfsLockPage> list_locks(const Hub& hub, const Repo& repo, const LfsLockQuery& query);
/// The lock that was removed. not_found; forbidden for another's lock without `force`, and for force without the right
/// of an administrator of the repository.
Result<LfsLock> unlock(Hub& hub, const Repo& repo, const Caller& caller, int64_t id, bool force);

}  // namespace hearth::hub
