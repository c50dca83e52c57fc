// What users and organisations have in common: a name, repositories, an end.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/social.h"
#include "store/db.h"

namespace hearth::hub {

/// conflict when another owner than `owner_id` has the name, or had it before a renaming: links to what is theirs would
/// lead to somebody else.
Status check_name_free(store::Transaction& transaction, std::string_view name, int64_t owner_id = 0);

/// Gives the owner another name; the old names of all repositories lead to the new ones. conflict when it is taken.
Status rename_owner(Hub& hub, const Owner& owner, std::string_view name);

/// Removes the owner with tokens, sessions and memberships. conflict when there are repositories and not `with_repos`,
/// or when a user is the only administrator of an organisation.
Status delete_owner(Hub& hub, const Owner& owner, bool with_repos);

/// How much an owner may store; nothing: as much as the disk.
struct Quota {
  std::optional<int64_t> storage_bytes = {};  ///< of all repositories
  std::optional<int64_t> private_bytes = {};  ///< of the private ones
};
struct Usage {
  int64_t storage_bytes = 0, private_bytes = 0;
};
Result<Quota> quota_of(const Hub& hub, int64_t owner_id);
Status set_quota(Hub& hub, int64_t owner_id, const Quota& quota);
Result<Usage> usage_of(const Hub& hub, int64_t owner_id);

/// Is there room for this many bytes more in the repository? forbidden, naming the quota, the use and the owner, when
/// not. Asked before an upload begins and again when a commit or push brings the files in: `named` are the large files
/// that it names, weighed when the repository does not hold them yet.
Status check_quota(const Hub& hub, const Repo& repo, uint64_t more_bytes, std::span<const StoredFilePlace> named = {});

/// A name without an owner, and the repository that it leads to.
struct ShortName {
  RepoKind kind = RepoKind::model;
  std::string name;
  std::string repo;
};
Result<std::vector<ShortName>> list_short_names(const Hub& hub);

struct OwnedRepo {
  Repo repo;
  int64_t storage_bytes = 0;
};
/// The owner's repositories, largest first.
Result<std::vector<OwnedRepo>> owned_repos(const Hub& hub, int64_t owner_id);

}  // namespace hearth::hub
