// Reading rows of `repos` joined with `owners`: one list of columns for every query.
#pragma once

#include <string_view>

#include "hub/repo.h"
#include "store/db.h"

namespace hearth::hub {

inline constexpr std::string_view kRepoColumns =
    "repos.id, repos.kind, owners.name, repos.name, repos.owner_id, repos.private, repos.gated, repos.sdk, "
    "repos.created_ms, repos.modified_ms, repos.downloads, repos.likes, repos.resource_group_id, repos.creator_id, "
    "repos.disabled, repos.downloads_all_time, repos.trending, repos.protected";
inline constexpr size_t kRepoColumnCount = 18;
inline constexpr std::string_view kReposWithOwners = "repos JOIN owners ON owners.id = repos.owner_id";

/// The first columns of a row, in the order above.
Repo repo_of(const store::Row& row);

}  // namespace hearth::hub
