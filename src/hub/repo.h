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
  int64_t downloads = 0;  ///< of the last 30 days
  int64_t likes = 0;
  int64_t resource_group_id = 0;  ///< 0: in none
  int64_t creator_id = 0;         ///< the user who made it; 0: unknown
  bool is_disabled = false;       ///< taken down by the administrators
  int64_t downloads_all_time = 0;
  int64_t trending = 0;       ///< see hub/statistics.h
  bool is_protected = false;  ///< a Space of which only the app is public: private in all that this hub answers

  std::string full_name() const { return owner + "/" + name; }
  /// "public", "private" or "protected".
  std::string_view visibility() const { return is_protected ? "protected" : is_private ? "private" : "public"; }
};

/// What a caller wants of a repository; each includes the ones before.
enum class Right {
  metadata,  ///< know of it: info, tree, refs
  content,   ///< read its files
  write,     ///< commit, push
  admin,     ///< settings, deletion
  govern,    ///< what binds those who write: protected branches, the resource group, the owner, others' locks
};

/// The one rule of access. Ok, or: repo_not_found when the caller may not know of it (private, not theirs), gated for
/// the content of a gated repository, unauthenticated or forbidden for a right they lack on a repository they see.
///
/// Two things must both allow it:
/// - the caller's place. Owner and site administrators: everything. Members of the organisation: by their role (read:
///   private repositories; contributor: besides, change what they made; write: all but govern; admin: everything). In a
///   resource group the role in the group counts instead, and the organisation's administrators keep everything.
///   Others: public repositories, reading; of gated ones the files with an accepted request (hub/gating.h).
/// - the token. Reading tokens: reading. Fine-grained ones: `repo.content.read` for what is private or gated,
///   `repo.write` for write, admin and govern.
/// What the administrators of the hub have disabled is forbidden to all but them.
/// `permission`, when given, is what the token must hold besides ("discussion.write"); visitors then lack it.
Status check_access(const Caller& caller, const Repo& repo, Right right, std::string_view permission = {});

/// May the caller create repositories under this owner's name? In an organisation: contributors and above; in one of
/// its resource groups, contributors of the group.
Status check_create(const Caller& caller, std::string_view owner, int64_t resource_group_id = 0);

/// What a token's permission on a repository is asked for.
Subject subject_of(const Repo& repo);

/// The rule of check_access(metadata) as an SQL condition on `repos`, for lists. Holds numbers alone, no text from
/// outside.
std::string visible_condition(const Caller& caller);

}  // namespace hearth::hub
