// Likes of repositories, follows of users and organisations, and the counts that an overview shows.
//
// 1. A private repository's likes are seen by those who see it; a user's list of likes is public and holds public
//    repositories alone.
// Source: huggingface_hub 2.4.0 HfApi.unlike, list_liked_repos, list_repo_likers, list_user_followers,
// get_user_overview.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

enum class OwnerKind { user, org };

/// A user or an organisation, as lists show them.
struct Owner {
  int64_t id = 0;
  OwnerKind kind = OwnerKind::user;
  std::string name;
  std::string fullname;
};
/// In any letter case; not_found.
Result<Owner> find_owner(const Hub& hub, std::string_view name);
/// not_found also for an owner of the other kind.
Result<Owner> find_owner(const Hub& hub, std::string_view name, OwnerKind kind);

/// May the caller like and follow? unauthenticated or forbidden.
Status check_social(const Caller& caller);

/// Doing either twice is no mistake.
Status set_like(Hub& hub, const Repo& repo, const Caller& by, bool liked);
Result<bool> has_liked(const Hub& hub, const Repo& repo, const Caller& caller);

struct OwnerPage {
  std::vector<Owner> owners;
  std::string next;  ///< cursor of the next page, empty on the last
};
/// The latest first.
Result<OwnerPage> list_likers(const Hub& hub, const Repo& repo, std::string_view cursor, int64_t limit);

struct LikedRepo {
  int64_t created_ms = 0;
  RepoKind kind = RepoKind::model;
  std::string name;
};
struct LikedPage {
  std::vector<LikedRepo> repos;
  std::string next;
};
/// Public ones, the latest first.
Result<LikedPage> list_liked(const Hub& hub, const Owner& user, std::string_view cursor, int64_t limit);

/// bad_input for following oneself.
Status set_follow(Hub& hub, const Owner& owner, const Caller& by, bool follows);
Result<bool> is_following(const Hub& hub, const Owner& owner, const Caller& caller);
Result<OwnerPage> list_followers(const Hub& hub, const Owner& owner, std::string_view cursor, int64_t limit);
/// The users that a user follows.
Result<OwnerPage> list_following(const Hub& hub, const Owner& user, std::string_view cursor, int64_t limit);

/// What an overview counts: repositories that the public sees.
struct SocialCounts {
  int64_t models = 0, datasets = 0, spaces = 0;
  int64_t discussions = 0;  ///< opened on public repositories
  int64_t papers = 0;       ///< nobody claims papers here
  int64_t upvotes = 0;      ///< of collections, given
  int64_t likes = 0;        ///< given
  int64_t following = 0, followers = 0;
};
Result<SocialCounts> social_counts(const Hub& hub, const Owner& owner);

}  // namespace hearth::hub
