#include "hub/owners.h"

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "hub/content.h"
#include "hub/events.h"
#include "hub/rows.h"

namespace hearth::hub {
namespace {

// What a repository takes: the files of main or all stored files that it holds, whichever is more; a bucket, its files.
constexpr std::string_view kSizes =
    "(SELECT owned.id AS id, owned.private AS private, CASE WHEN owned.bucket > 0 THEN owned.bucket WHEN owned.used > "
    "owned.linked THEN owned.used ELSE owned.linked END AS bytes FROM (SELECT repos.id AS id, repos.private AS "
    "private, coalesce((SELECT repo_index.used_storage FROM repo_index WHERE repo_index.repo_id = repos.id), 0) AS "
    "used, coalesce((SELECT sum(repo_objects.size_bytes) FROM repo_objects WHERE repo_objects.repo_id = repos.id), 0) "
    "AS linked, coalesce((SELECT sum(bucket_files.size_bytes) FROM bucket_files WHERE bucket_files.repo_id = "
    "repos.id), 0) AS bucket FROM repos WHERE repos.owner_id = $1) AS owned)";

Result<std::vector<Repo>> repos_of(const Hub& hub, int64_t owner_id) {
  std::vector<Repo> out;
  for (const auto& row : TRY(hub.db().query(
           cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners, " WHERE repos.owner_id = $1 ORDER BY repos.id"),
           {owner_id})))
    out.push_back(repo_of(row));
  return out;
}

std::string shown(std::optional<int64_t> bytes) {
  return human_size(static_cast<uint64_t>(std::max<int64_t>(bytes.value_or(0), 0)));
}

Status check_room(std::string_view owner, std::string_view what, int64_t used, uint64_t more, int64_t limit) {
  if (used <= limit && more <= static_cast<uint64_t>(limit - used)) return {};
  return Status(
      Code::forbidden,
      cat(what, " quota of ", owner, " reached: ", shown(used), " of ", shown(limit), " are used and this needs ",
          human_size(more),
          " more; delete files (large ones with their past: permanently_delete_lfs_files), or ask an administrator of "
          "the hub for a larger quota"));
}

}  // namespace

Status check_name_free(store::Transaction& transaction, std::string_view name, int64_t owner_id) {
  if (TRY(transaction.query_one("SELECT 1 FROM owners WHERE name = $1 AND id <> $2", {name, owner_id})))
    return Status(Code::conflict, cat("the name '", name, "' is taken"));
  // Whoever got it would answer for repositories that others still load by their old names.
  if (const auto former = TRY(transaction.query_one(
          "SELECT owners.name FROM owner_aliases JOIN owners ON owners.id = owner_aliases.owner_id WHERE "
          "owner_aliases.name = $1 AND owner_aliases.owner_id <> $2",
          {name, owner_id})))
    return Status(Code::conflict,
                  cat("the name '", name, "' is taken: it leads to ", (*former)[0].text(), ", which had it before"));
  return {};
}

Status rename_owner(Hub& hub, const Owner& owner, std::string_view name) {
  TRY(check_owner_name(name));
  const auto repos = TRY(repos_of(hub, owner.id));
  auto transaction = TRY(hub.db().begin());
  TRY(check_name_free(transaction, name, owner.id));
  TRY(transaction.execute("DELETE FROM owner_aliases WHERE name = $1", {name}));  // its own
  if (!equals_ignore_case(owner.name, name))
    TRY(transaction.execute("INSERT INTO owner_aliases (name, owner_id) VALUES ($1, $2)", {owner.name, owner.id}));
  TRY(transaction.execute("UPDATE owners SET name = $2 WHERE id = $1", {owner.id, name}));
  for (const auto& repo : repos) {
    const auto kind = kind_name(repo.kind);
    const auto full_name = cat(name, "/", repo.name);
    TRY(
        transaction.execute("INSERT INTO repo_aliases (kind, owner, name, repo_id) VALUES ($1, $2, $3, $4) ON CONFLICT "
                            "(kind, owner, name) DO UPDATE SET repo_id = excluded.repo_id",
                            {kind, repo.owner, repo.name, repo.id}));
    TRY(transaction.execute("DELETE FROM repo_aliases WHERE kind = $1 AND owner = $2 AND name = $3",
                            {kind, name, repo.name}));
    TRY(record_event(transaction,
                     {.kind = "repo.move",
                      .repo_id = repo.id,
                      .data = Json::Object{{"type", kind}, {"from", repo.full_name()}, {"name", full_name}}}));
  }
  return transaction.commit();
}

Status delete_owner(Hub& hub, const Owner& owner, bool with_repos) {
  const auto lonely = TRY(hub.db().query_one(
      "SELECT owners.name FROM memberships JOIN owners ON owners.id = memberships.org_id WHERE memberships.user_id = "
      "$1 AND memberships.role = 'admin' AND NOT EXISTS (SELECT 1 FROM memberships AS others WHERE others.org_id = "
      "memberships.org_id AND others.user_id <> $1 AND others.role = 'admin')",
      {owner.id}));
  if (lonely)
    return Status(Code::conflict, cat(owner.name, " is the only administrator of ", (*lonely)[0].text(),
                                      ": give another member that role first, or delete the organisation"));
  const auto repos = TRY(repos_of(hub, owner.id));
  if (!repos.empty() && !with_repos)
    return Status(Code::conflict,
                  cat(owner.name, " has ", repos.size(), repos.size() == 1 ? " repository" : " repositories", ", ",
                      repos[0].full_name(), " among them: move them, or delete them too"));
  for (const auto& repo : repos) TRY(hub.delete_repo(repo));
  TRY(hub.db().execute("DELETE FROM owners WHERE id = $1", {owner.id}));
  return {};
}

Result<Quota> quota_of(const Hub& hub, int64_t owner_id) {
  const auto row =
      TRY(hub.db().query_one("SELECT storage_bytes, private_bytes FROM quotas WHERE owner_id = $1", {owner_id}));
  Quota out;
  if (row && !(*row)[0].is_null()) out.storage_bytes = (*row)[0].integer();
  if (row && !(*row)[1].is_null()) out.private_bytes = (*row)[1].integer();
  return out;
}

namespace {

// A file that came by Xet is the repository's from its upload on, and counted from its first commit on.
Result<uint64_t> weigh_new(const Hub& hub, const Repo& repo, std::span<const StoredFilePlace> named) {
  uint64_t out = 0;
  std::set<std::string_view> seen;
  for (const auto& file : named) {
    if (!seen.insert(file.sha256).second) continue;
    if (TRY(hub.db().query_one("SELECT 1 FROM repo_objects WHERE sha256 = $1 AND repo_id = $2 AND size_bytes > 0",
                               {file.sha256, repo.id})))
      continue;
    out += file.size_bytes > 0 ? file.size_bytes : content_size(hub, file.sha256).value_or(0);
  }
  return out;
}

}  // namespace

Status set_quota(Hub& hub, int64_t owner_id, const Quota& quota) {
  TRY(
      hub.db().execute("INSERT INTO quotas (owner_id, storage_bytes, private_bytes) VALUES ($1, $2, $3) ON CONFLICT "
                       "(owner_id) DO UPDATE SET storage_bytes = excluded.storage_bytes, private_bytes = "
                       "excluded.private_bytes",
                       {owner_id, quota.storage_bytes, quota.private_bytes}));
  return {};
}

Result<Usage> usage_of(const Hub& hub, int64_t owner_id) {
  const auto row = TRY(hub.db().query_one(
      cat("SELECT CAST(coalesce(sum(sizes.bytes), 0) AS BIGINT), CAST(coalesce(sum(CASE WHEN sizes.private = 1 THEN "
          "sizes.bytes ELSE 0 END), 0) AS BIGINT) FROM ",
          kSizes, " AS sizes"),
      {owner_id}));
  return Usage{(*row)[0].integer(), (*row)[1].integer()};
}

Status check_quota(const Hub& hub, const Repo& repo, uint64_t more_bytes, std::span<const StoredFilePlace> named) {
  const auto quota = TRY(quota_of(hub, repo.owner_id));
  if (!quota.storage_bytes && !quota.private_bytes) return {};
  more_bytes += TRY(weigh_new(hub, repo, named));
  const auto usage = TRY(usage_of(hub, repo.owner_id));
  if (quota.storage_bytes)
    TRY(check_room(repo.owner, "the storage", usage.storage_bytes, more_bytes, *quota.storage_bytes));
  if (quota.private_bytes && repo.is_private)
    TRY(check_room(repo.owner, "the private storage", usage.private_bytes, more_bytes, *quota.private_bytes));
  return {};
}

Result<std::vector<ShortName>> list_short_names(const Hub& hub) {
  std::vector<ShortName> out;
  for (const auto& row : TRY(hub.db().query(
           cat("SELECT ", kRepoColumns, ", repo_aliases.name FROM ", kReposWithOwners,
               " JOIN repo_aliases ON repo_aliases.repo_id = repos.id WHERE repo_aliases.owner = '' ORDER BY "
               "repo_aliases.kind, repo_aliases.name"),
           {}))) {
    const auto repo = repo_of(row);
    out.push_back({repo.kind, row[kRepoColumnCount].text(), repo.full_name()});
  }
  return out;
}

Result<std::vector<OwnedRepo>> owned_repos(const Hub& hub, int64_t owner_id) {
  std::vector<OwnedRepo> out;
  for (const auto& row :
       TRY(hub.db().query(cat("SELECT ", kRepoColumns, ", CAST(sizes.bytes AS BIGINT) FROM ", kReposWithOwners,
                              " JOIN ", kSizes, " AS sizes ON sizes.id = repos.id ORDER BY sizes.bytes DESC, repos.id"),
                          {owner_id})))
    out.push_back({repo_of(row), row[kRepoColumnCount].integer()});
  return out;
}

}  // namespace hearth::hub
