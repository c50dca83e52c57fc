#include "hub/social.h"

#include "base/clock.h"
#include "base/text.h"
#include "hub/events.h"

namespace hearth::hub {
namespace {

Owner owner_of(const store::Row& row, size_t first) {
  return {.id = row[first].integer(),
          .kind = row[first + 1].text() == "org" ? OwnerKind::org : OwnerKind::user,
          .name = row[first + 2].text(),
          .fullname = row[first + 3].text()};
}

Result<int64_t> before(std::string_view cursor) {
  if (cursor.empty()) return INT64_MAX;
  const auto id = parse_int(cursor);
  if (!id) return Status(Code::bad_input, "the cursor is not one of this list's");
  return *id;
}

// One page of owners that `join` reaches through the table `table`, by its ids.
Result<OwnerPage> page_of(const Hub& hub, std::string_view table, std::string_view join, int64_t subject,
                          std::string_view cursor, int64_t limit) {
  OwnerPage out;
  const auto rows =
      TRY(hub.db().query(cat("SELECT t.id, o.id, o.kind, o.name, o.fullname FROM ", table,
                             " t JOIN owners o ON o.id = ", join, " AND t.id < $2 ORDER BY t.id DESC LIMIT $3"),
                         {subject, TRY(before(cursor)), limit + 1}));
  for (const auto& row : rows) {
    if (static_cast<int64_t>(out.owners.size()) == limit) {
      out.next = cat(rows[out.owners.size() - 1][0].integer());
      break;
    }
    out.owners.push_back(owner_of(row, 1));
  }
  return out;
}

}  // namespace

Result<Owner> find_owner(const Hub& hub, std::string_view name) {
  const auto row = TRY(hub.db().query_one("SELECT id, kind, name, fullname FROM owners WHERE name = $1", {name}));
  if (!row) return Status(Code::not_found, cat("there is no user or organisation '", name.substr(0, 100), "'"));
  return owner_of(*row, 0);
}

Result<Owner> find_owner(const Hub& hub, std::string_view name, OwnerKind kind) {
  auto found = find_owner(hub, name);
  if ((!found.ok() && found.status().code() == Code::not_found) || (found.ok() && found->kind != kind))
    return Status(Code::not_found, cat("there is no ", kind == OwnerKind::user ? "user" : "organisation", " '",
                                       name.substr(0, 100), "'"));
  return found;
}

Status check_social(const Caller& caller) {
  return check_token(caller, "user.social.write", {.owner_id = caller.user ? caller.user->id : 0});
}

Status set_like(Hub& hub, const Repo& repo, const Caller& by, bool liked) {
  TRY(check_access(by, repo, Right::metadata));
  TRY(check_social(by));
  auto transaction = TRY(hub.db().begin());
  const auto changed =
      liked ? TRY(transaction.execute("INSERT INTO likes (repo_id, user_id, created_ms) VALUES ($1, $2, $3) ON "
                                      "CONFLICT (repo_id, user_id) DO NOTHING",
                                      {repo.id, by.user->id, now_ms()}))
            : TRY(transaction.execute("DELETE FROM likes WHERE repo_id = $1 AND user_id = $2", {repo.id, by.user->id}));
  if (changed == 0) return {};
  TRY(transaction.execute("UPDATE repos SET likes = (SELECT count(*) FROM likes WHERE repo_id = $1) WHERE id = $1",
                          {repo.id}));
  TRY(record_event(
      transaction,
      {.kind = "like", .repo_id = repo.id, .actor = std::string(by.name()), .data = Json::Object{{"liked", liked}}}));
  return transaction.commit();
}

Result<bool> has_liked(const Hub& hub, const Repo& repo, const Caller& caller) {
  if (caller.anonymous()) return false;
  return TRY(hub.db().query_one("SELECT 1 FROM likes WHERE repo_id = $1 AND user_id = $2", {repo.id, caller.user->id}))
      .has_value();
}

Result<OwnerPage> list_likers(const Hub& hub, const Repo& repo, std::string_view cursor, int64_t limit) {
  return page_of(hub, "likes", "t.user_id WHERE t.repo_id = $1", repo.id, cursor, limit);
}

Result<LikedPage> list_liked(const Hub& hub, const Owner& user, std::string_view cursor, int64_t limit) {
  LikedPage out;
  const auto rows = TRY(hub.db().query(
      "SELECT l.id, l.created_ms, repos.kind, owners.name, repos.name FROM likes l JOIN repos ON repos.id = l.repo_id "
      "JOIN owners ON owners.id = repos.owner_id WHERE l.user_id = $1 AND repos.private = 0 AND l.id < $2 ORDER BY "
      "l.id DESC LIMIT $3",
      {user.id, TRY(before(cursor)), limit + 1}));
  for (const auto& row : rows) {
    if (static_cast<int64_t>(out.repos.size()) == limit) {
      out.next = cat(rows[out.repos.size() - 1][0].integer());
      break;
    }
    out.repos.push_back({.created_ms = row[1].integer(),
                         .kind = TRY(parse_kind(row[2].text())),
                         .name = cat(row[3].text(), "/", row[4].text())});
  }
  return out;
}

Status set_follow(Hub& hub, const Owner& owner, const Caller& by, bool follows) {
  TRY(check_social(by));
  if (owner.id == by.user->id) return Status(Code::bad_input, "nobody follows themselves");
  if (follows)
    TRY(hub.db().execute(
        "INSERT INTO follows (follower_id, followed_id, created_ms) VALUES ($1, $2, $3) ON CONFLICT (follower_id, "
        "followed_id) DO NOTHING",
        {by.user->id, owner.id, now_ms()}));
  else
    TRY(hub.db().execute("DELETE FROM follows WHERE follower_id = $1 AND followed_id = $2", {by.user->id, owner.id}));
  return {};
}

Result<bool> is_following(const Hub& hub, const Owner& owner, const Caller& caller) {
  if (caller.anonymous()) return false;
  return TRY(hub.db().query_one("SELECT 1 FROM follows WHERE follower_id = $1 AND followed_id = $2",
                                {caller.user->id, owner.id}))
      .has_value();
}

Result<OwnerPage> list_followers(const Hub& hub, const Owner& owner, std::string_view cursor, int64_t limit) {
  return page_of(hub, "follows", "t.follower_id WHERE t.followed_id = $1", owner.id, cursor, limit);
}

Result<OwnerPage> list_following(const Hub& hub, const Owner& user, std::string_view cursor, int64_t limit) {
  return page_of(hub, "follows", "t.followed_id WHERE t.follower_id = $1 AND o.kind = 'user'", user.id, cursor, limit);
}

Result<SocialCounts> social_counts(const Hub& hub, const Owner& owner) {
  const auto count = [&](std::string_view sql) -> Result<int64_t> {
    return (*TRY(hub.db().query_one(cat("SELECT count(*) FROM ", sql), {owner.id})))[0].integer();
  };
  SocialCounts out;
  for (const auto& row : TRY(hub.db().query(
           "SELECT kind, count(*) FROM repos WHERE owner_id = $1 AND private = 0 GROUP BY kind", {owner.id}))) {
    const auto& kind = row[0].text();
    if (kind == "model") out.models = row[1].integer();
    if (kind == "dataset") out.datasets = row[1].integer();
    if (kind == "space") out.spaces = row[1].integer();
  }
  out.discussions =
      TRY(count("discussions d JOIN repos ON repos.id = d.repo_id AND repos.private = 0 WHERE d.author_id = $1"));
  out.likes = TRY(count("likes l JOIN repos ON repos.id = l.repo_id AND repos.private = 0 WHERE l.user_id = $1"));
  out.following = TRY(count("follows WHERE follower_id = $1"));
  out.followers = TRY(count("follows WHERE followed_id = $1"));
  out.upvotes =
      TRY(count("collection_upvotes u JOIN collections c ON c.id = u.collection_id AND c.private = 0 WHERE "
                "u.user_id = $1"));
  return out;
}

}  // namespace hearth::hub
