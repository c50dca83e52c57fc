#include "hub/lfs_locks.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr std::string_view kSelect =
    "SELECT lfs_locks.id, path, ref, lfs_locks.owner_id, owners.name, locked_ms FROM lfs_locks "
    "JOIN owners ON owners.id = lfs_locks.owner_id WHERE repo_id = $1 ";
constexpr int64_t kPageMax = 1000;

LfsLock lock_of(const store::Row& row) {
  return {.id = row[0].integer(),
          .path = row[1].text(),
          .ref = row[2].text(),
          .owner_id = row[3].integer(),
          .owner = row[4].text(),
          .locked_ms = row[5].integer()};
}

}  // namespace

Result<LfsLockMade> lock_path(Hub& hub, const Repo& repo, const User& owner, std::string_view path,
                              std::string_view ref) {
  const auto clean = TRY(check_path(path));
  const auto added = TRY(
      hub.db().execute("INSERT INTO lfs_locks (repo_id, path, ref, owner_id, locked_ms) VALUES ($1, $2, $3, $4, $5) "
                       "ON CONFLICT (repo_id, path) DO NOTHING",
                       {repo.id, clean, ref.substr(0, 300), owner.id, now_ms()}));
  const auto row = TRY(hub.db().query_one(cat(kSelect, "AND path = $2"), {repo.id, clean}));
  if (!row) return Status(Code::busy, cat("the lock of ", clean, " was just released: try again"));
  return LfsLockMade{lock_of(*row), added == 0};
}

Result<LfsLockPage> list_locks(const Hub& hub, const Repo& repo, const LfsLockQuery& query) {
  const auto limit = std::clamp<int64_t>(query.limit, 1, kPageMax);
  LfsLockPage out;
  const auto rows = TRY(hub.db().query(cat(kSelect,
                                           "AND lfs_locks.id > $2 AND ($3 = '' OR path = $3) AND ($4 = 0 OR "
                                           "lfs_locks.id = $4) ORDER BY lfs_locks.id LIMIT $5"),
                                       {repo.id, query.after, query.path, query.id.value_or(0), limit + 1}));
  for (const auto& row : rows) {
    if (static_cast<int64_t>(out.locks.size()) == limit) {
      out.next = out.locks.back().id;
      break;
    }
    out.locks.push_back(lock_of(row));
  }
  return out;
}

Result<LfsLock> unlock(Hub& hub, const Repo& repo, const Caller& caller, int64_t id, bool force) {
  const auto row = TRY(hub.db().query_one(cat(kSelect, "AND lfs_locks.id = $2"), {repo.id, id}));
  if (!row) return Status(Code::not_found, cat("there is no lock ", id, " in ", repo.full_name()));
  auto lock = lock_of(*row);
  if (!caller.user || caller.user->id != lock.owner_id) {
    if (!force)
      return Status(Code::forbidden, cat(lock.path, " is locked by ", lock.owner, "; --force takes an administrator"));
    TRY(check_access(caller, repo, Right::govern));
  }
  TRY(hub.db().execute("DELETE FROM lfs_locks WHERE repo_id = $1 AND id = $2", {repo.id, id}));
  return lock;
}

}  // namespace hearth::hub
