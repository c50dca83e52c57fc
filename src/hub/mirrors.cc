#include "hub/mirrors.h"

#include "base/text.h"
#include "hub/organisations.h"

namespace hearth::hub {
namespace {

constexpr std::string_view kMirrorColumns =
    "SELECT kind, owner, name, repo_id, url, remote, token, every_s, once, ready, checked_ms, error, gone FROM mirrors";

Mirror mirror_from(const store::Row& row) {
  return {.id = {.kind = parse_kind(row[0].text()).value_or(RepoKind::model),
                 .owner = row[1].text(),
                 .name = row[2].text()},
          .repo_id = row[3].integer(),
          .url = row[4].text(),
          .remote = row[5].text(),
          .token = row[6].text(),
          .every_s = row[7].integer(),
          .once = row[8].boolean(),
          .ready = row[9].boolean(),
          .checked_ms = row[10].integer(),
          .error = row[11].text(),
          .gone = row[12].boolean()};
}

std::optional<Mirror> one(const std::optional<store::Row>& row) {
  if (!row) return std::nullopt;
  return mirror_from(*row);
}

}  // namespace

Status add_upstream(Hub& hub, Upstream upstream) {
  TRY(check_name(upstream.name));
  while (upstream.url.ends_with('/')) upstream.url.pop_back();
  if (!upstream.url.starts_with("http://") && !upstream.url.starts_with("https://"))
    return Status(Code::bad_input, cat("an upstream's address begins with https://, not '", upstream.url, "'"));
  if (!upstream.owner.empty()) TRY(check_name(upstream.owner));
  auto added =
      hub.db().execute("INSERT INTO upstreams (name, url, owner, token, repo_max_bytes) VALUES ($1, $2, $3, $4, $5)",
                       {upstream.name, upstream.url, upstream.owner, upstream.token, upstream.repo_max_bytes});
  if (!added.ok() && added.status().code() == Code::conflict)
    return Status(Code::conflict, cat("there is an upstream '", upstream.name, "' already"));
  return added.ok() ? Status() : std::move(added).status();
}

Result<std::vector<Upstream>> list_upstreams(const Hub& hub) {
  std::vector<Upstream> out;
  // Those for one owner come before those for all.
  for (const auto& row :
       TRY(hub.db().query("SELECT id, name, url, owner, token, repo_max_bytes FROM upstreams ORDER BY owner DESC, id")))
    out.push_back({.id = row[0].integer(),
                   .name = row[1].text(),
                   .url = row[2].text(),
                   .owner = row[3].text(),
                   .token = row[4].text(),
                   .repo_max_bytes = row[5].integer()});
  return out;
}

Status remove_upstream(Hub& hub, std::string_view name) {
  auto transaction = TRY(hub.db().begin());
  const auto row = TRY(transaction.query_one("SELECT url FROM upstreams WHERE name = $1", {name}));
  if (!row) return Status(Code::not_found, cat("there is no upstream '", name, "'"));
  TRY(transaction.execute("DELETE FROM upstreams WHERE name = $1", {name}));
  TRY(transaction.execute("DELETE FROM mirrors WHERE url = $1 AND every_s = 0 AND once = 0", {(*row)[0].text()}));
  return transaction.commit();
}

Status plan_mirror(Hub& hub, const Mirror& mirror) {
  TRY(hub.db().execute(
      "INSERT INTO mirrors (kind, owner, name, repo_id, url, remote, token, every_s, once) VALUES ($1, $2, $3, $4, $5, "
      "$6, "
      "$7, $8, $9) ON CONFLICT (kind, owner, name) DO UPDATE SET url = excluded.url, remote = excluded.remote, token = "
      "excluded.token, every_s = excluded.every_s, once = excluded.once",
      {kind_name(mirror.id.kind), mirror.id.owner, mirror.id.name, mirror.repo_id, mirror.url, mirror.remote,
       mirror.token, mirror.every_s, mirror.once}));
  return {};
}

Result<std::optional<Mirror>> find_mirror(const Hub& hub, const RepoId& id) {
  return one(TRY(hub.db().query_one(cat(kMirrorColumns, " WHERE kind = $1 AND owner = $2 AND name = $3"),
                                    {kind_name(id.kind), id.owner, id.name})));
}

Result<std::optional<Mirror>> mirror_of(const Hub& hub, const Repo& repo) {
  return one(TRY(hub.db().query_one(cat(kMirrorColumns, " WHERE repo_id = $1"), {repo.id})));
}

Result<std::vector<Mirror>> list_mirrors(const Hub& hub) {
  std::vector<Mirror> out;
  for (const auto& row : TRY(hub.db().query(cat(kMirrorColumns, " ORDER BY owner, name, kind"))))
    out.push_back(mirror_from(row));
  return out;
}

Status save_mirror(Hub& hub, const Mirror& mirror) {
  TRY(
      hub.db().execute("UPDATE mirrors SET repo_id = $4, remote = $5, ready = $6, checked_ms = $7, error = $8, gone = "
                       "$9 WHERE kind = $1 AND owner "
                       "= $2 AND name = $3",
                       {kind_name(mirror.id.kind), mirror.id.owner, mirror.id.name, mirror.repo_id, mirror.remote,
                        mirror.ready, mirror.checked_ms, mirror.error, mirror.gone}));
  return {};
}

Status rename_mirror(Hub& hub, const Mirror& mirror, const RepoId& to) {
  TRY(hub.db().execute("UPDATE mirrors SET owner = $4, name = $5 WHERE kind = $1 AND owner = $2 AND name = $3",
                       {kind_name(mirror.id.kind), mirror.id.owner, mirror.id.name, to.owner, to.name}));
  return {};
}

Status remove_mirror(Hub& hub, const RepoId& id) {
  const auto removed = TRY(hub.db().execute("DELETE FROM mirrors WHERE kind = $1 AND owner = $2 AND name = $3",
                                            {kind_name(id.kind), id.owner, id.name}));
  if (removed == 0) return Status(Code::not_found, cat(id.full(), " is no mirror"));
  return {};
}

Status ensure_upstream_owner(Hub& hub, const Upstream& upstream, std::string_view owner) {
  const auto row = TRY(hub.db().query_one(
      "SELECT owners.id, upstream_owners.owner_id FROM owners LEFT JOIN upstream_owners ON upstream_owners.owner_id = "
      "owners.id WHERE owners.name = $1",
      {owner}));
  if (row) {
    const bool foreign = (*row)[1].integer() != 0;
    if (foreign || equals_ignore_case(upstream.owner, owner)) return {};
    return Status(Code::conflict, cat(owner, " is an owner of this hub"));
  }
  const auto admin =
      TRY(hub.db().query_one("SELECT owners.name FROM users JOIN owners ON owners.id = users.owner_id WHERE "
                             "users.is_admin = 1 ORDER BY owners.id"));
  if (!admin)
    return Status(Code::unavailable,
                  "what comes from an upstream belongs to the hub's administrator, and there is none: "
                  "hearth admin user create NAME --admin");
  const auto user = TRY(hub.accounts().user((*admin)[0].text()));
  auto made = create_org(hub, {.name = std::string(owner), .details = cat("From ", upstream.url)}, user);
  if (!made.ok() && made.status().code() == Code::conflict) return {};  // another request made it a moment ago
  if (!made.ok()) return std::move(made).status();
  TRY(hub.db().execute("INSERT INTO upstream_owners (owner_id) VALUES ($1) ON CONFLICT (owner_id) DO NOTHING",
                       {made->id}));
  return {};
}

Status note_renamed(Hub& hub, const RepoId& from, const Repo& to) {
  TRY(
      hub.db().execute("INSERT INTO repo_aliases (kind, owner, name, repo_id) VALUES ($1, $2, $3, $4) ON CONFLICT "
                       "(kind, owner, name) DO UPDATE SET repo_id = excluded.repo_id",
                       {kind_name(from.kind), from.owner, from.name, to.id}));
  return {};
}

Result<std::optional<Upstream>> upstream_of(const Hub& hub, const Mirror& mirror) {
  if (!mirror.by_readers()) return std::optional<Upstream>();
  for (auto& upstream : TRY(list_upstreams(hub)))
    if (upstream.url == mirror.url && (upstream.owner.empty() || equals_ignore_case(upstream.owner, mirror.id.owner)))
      return std::optional(std::move(upstream));
  return std::optional<Upstream>();
}

}  // namespace hearth::hub
