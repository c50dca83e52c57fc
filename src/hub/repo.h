// A repository's row, and what may be asked of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "hub/accounts.h"
#include "hub/repo_id.h"

namespace hearth::hub {

struct Repo {
  int64_t id = 0;
  RepoKind kind = RepoKind::model;
  std::string owner;  ///< as spelt by the owner; lookups ignore the letter case
  std::string name;
  int64_t owner_id = 0;
  bool is_private = false;
  std::string gated;  ///< empty, "auto" or "manual"
  std::string sdk;    ///< of a Space, empty otherwise
  int64_t created_ms = 0;
  int64_t modified_ms = 0;
  int64_t downloads = 0;
  int64_t likes = 0;

  std::string full_name() const { return owner + "/" + name; }
};

/// What a caller wants of a repository; each includes the ones before.
enum class Right {
  metadata,  ///< know of it: info, tree, refs
  content,   ///< read its files
  write,     ///< commit, push
  admin,     ///< settings, deletion
};

/// The one rule of access. Ok, or: repo_not_found when the caller may not know of it (private, not theirs), gated for
/// the content of a gated repository, unauthenticated or forbidden for a right they lack on a repository they see.
/// Owner: everything their token's role allows. Site administrators: as the owner. Others: public repositories,
/// reading.
Status check_access(const Caller& caller, const Repo& repo, Right right);

/// May the caller create repositories under this owner's name?
Status check_create(const Caller& caller, std::string_view owner);

}  // namespace hearth::hub
