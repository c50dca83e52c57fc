#include "hub/hub.h"

#include <fcntl.h>

#include <algorithm>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/attributes.h"
#include "hub/catalog.h"
#include "hub/configuration.h"
#include "hub/content.h"
#include "hub/events.h"
#include "hub/git/copy.h"
#include "hub/git/durable.h"
#include "hub/git/objects.h"
#include "hub/history.h"
#include "hub/index.h"
#include "hub/lock.h"
#include "hub/migrations_registry.h"
#include "hub/owners.h"
#include "hub/push.h"
#include "hub/rows.h"
#include "hub/statistics.h"

namespace hearth::hub {
namespace {

constexpr int64_t kLeftoverAgeS = 24 * 3600;
constexpr size_t kSecretBytes = 32;

Status unknown_repo() {
  return Status(Code::repo_not_found, "Repository not found");
}

store::Value number_or_null(int64_t id) {
  return id == 0 ? store::Value() : store::Value(id);
}

// The README that a new repository begins with; empty: none.
std::string first_readme(const NewRepo& wanted) {
  if (wanted.id.kind == RepoKind::space)
    return cat("---\ntitle: ", wanted.id.name, "\nsdk: ", wanted.sdk, wanted.sdk == "docker" ? "" : "\napp_file: ",
               wanted.sdk == "docker"   ? ""
               : wanted.sdk == "static" ? "index.html"
                                        : "app.py",
               wanted.license.empty() ? "" : cat("\nlicense: ", wanted.license), "\n---\n");
  return wanted.license.empty() ? "" : cat("---\nlicense: ", wanted.license, "\n---\n");
}

// Settings for git's own programs (clone, push) on the repository; libgit2 syncs by a switch of its own.
Status configure(git_repository* repository) {
  git_config* made = nullptr;
  if (const int r = git_repository_config(&made, repository); r != 0) return git::failure(r, "configuration");
  const git::Owned<git_config, git_config_free> config(made);
  constexpr std::pair<const char*, const char*> settings[] = {
      {"core.fsync", "committed,derived-metadata,reference"},  // an accepted push survives a power cut
      {"uploadpack.allowFilter", "true"},                      // partial clones
      {"uploadpack.allowAnySHA1InWant", "true"},
  };
  for (const auto& [name, value] : settings)
    if (const int r = git_config_set_string(config.get(), name, value); r != 0) return git::failure(r, name);
  return {};
}

Status create_git(const std::string& folder, const std::string& source, const NewRepo& wanted,
                  const std::string& author, int64_t now) {
  TRY(remove_all(folder));  // of a creation that a crash cut off: its row never was
  const auto repository = TRY(git::create(folder));
  TRY(configure(repository.get()));
  if (!source.empty()) {
    TRY(git::copy_repository(source, folder));
    TRY(git::sync_new(folder));
    return sync_folder(std::string(path_parent(folder)));
  }
  git::ObjectBatch batch;
  git::TreeEditor tree(repository.get(), nullptr);
  TRY(tree.put(".gitattributes", {GIT_FILEMODE_BLOB, batch.add(GIT_OBJECT_BLOB, default_attributes(wanted.id.kind))}));
  if (auto readme = first_readme(wanted); !readme.empty())
    TRY(tree.put("README.md", {GIT_FILEMODE_BLOB, batch.add(GIT_OBJECT_BLOB, std::move(readme))}));
  const auto root = TRY(tree.write(batch));
  User by;
  by.name = author;
  const auto commit = batch.add(
      GIT_OBJECT_COMMIT, git::commit_text(root, nullptr, author, author_email(by), now / 1000, "initial commit"));
  TRY(batch.write(repository.get()));
  git_reference* made = nullptr;
  if (const int r = git_reference_create(&made, repository.get(), "refs/heads/main", &commit, 0, "initial commit");
      r != 0)
    return git::failure(r, "branch main");
  git_reference_free(made);
  TRY(git::sync_new(folder));
  return sync_folder(std::string(path_parent(folder)));
}

// "7.git": 7.
std::optional<int64_t> number_of_folder(std::string_view name) {
  return name.ends_with(".git") ? parse_int(name.substr(0, name.size() - 4)) : std::nullopt;
}

// A crash between a moved main and its event: the index still has the old head.
Status note_missed(Hub& hub, const Repo& repo) {
  const auto row = TRY(hub.db().query_one("SELECT head FROM repo_index WHERE repo_id = $1", {repo.id}));
  const auto now = head(hub, repo);
  if (!row || !now.ok() || (*row)[0].text() == *now) return {};
  const RefUpdate update{(*row)[0].text(), *now, "refs/heads/main"};
  return record_event(hub.db(), content_event(repo, {}, std::span(&update, 1)));
}

}  // namespace

Repo repo_of(const store::Row& row) {
  return {.id = row[0].integer(),
          .kind = parse_kind(row[1].text()).value_or(RepoKind::model),
          .owner = row[2].text(),
          .name = row[3].text(),
          .owner_id = row[4].integer(),
          .is_private = row[5].boolean(),
          .gated = row[6].text(),
          .sdk = row[7].text(),
          .created_ms = row[8].integer(),
          .modified_ms = row[9].integer(),
          .downloads = row[10].integer(),
          .likes = row[11].integer(),
          .resource_group_id = row[12].integer(),
          .creator_id = row[13].integer(),
          .is_disabled = row[14].boolean(),
          .downloads_all_time = row[15].integer(),
          .trending = row[16].integer(),
          .is_protected = row[17].boolean()};
}

Hub::Hub(std::string folder, std::string repositories, std::unique_ptr<store::Db> db,
         std::unique_ptr<store::Blobs> blobs)
    : folder_(std::move(folder)),
      repositories_(std::move(repositories)),
      db_(std::move(db)),
      blobs_(std::move(blobs)),
      accounts_(std::make_unique<Accounts>(*db_)),
      catalog_(std::make_unique<Catalog>(*db_)),
      downloads_(std::make_unique<DownloadCounter>(*db_)) {}

Hub::~Hub() = default;

Result<std::unique_ptr<Hub>> Hub::open(const std::string& folder) {
  git::start_library();
  const auto configuration = TRY(read_configuration(folder));
  const auto repositories =
      configuration.repositories.empty() ? path_join(folder, "repos") : configuration.repositories;
  bool made = false;
  for (const auto kind : kGitKinds) {
    const auto of_kind = path_join(repositories, kind_plural(kind));
    made |= !is_folder(of_kind);
    TRY(make_folders(of_kind, 0700));
  }
  if (made) {
    TRY(sync_folder(repositories));
    TRY(sync_folder(std::string(path_parent(repositories))));
  }
  auto blobs = TRY(store::open_blobs(path_join(folder, "objects"), configuration.objects));
  auto database = configuration.database;
  if (database.empty()) {
    database = path_join(folder, "hearth.db");
    // Password hashes are nobody else's to read; SQLite gives its other files the same mode.
    if (const Fd file(::open(database.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)); !file)
      return errno_status("cannot open", database);
  }
  auto db = TRY(store::Db::open(database, migrations::entries()));
  return std::unique_ptr<Hub>(new Hub(folder, repositories, std::move(db), std::move(blobs)));
}

std::string Hub::git_folder(const Repo& repo) const {
  return cat(repositories_, "/", kind_plural(repo.kind), "/", repo.id, ".git");
}

Status Hub::recover() {
  TRY(remove_unfinished());
  return catch_up({});
}

Status Hub::remove_unfinished() {
  TRY(blobs_->remove_leftovers(kLeftoverAgeS));
  // With the write lock nobody creates a repository while folders are compared with rows.
  auto transaction = TRY(db_->begin());
  for (const auto kind : kGitKinds) {
    const auto parent = path_join(repositories_, kind_plural(kind));
    for (const auto& name : TRY(list_folder(parent))) {
      const auto number = number_of_folder(name);
      if (number &&
          TRY(transaction.query_one("SELECT 1 FROM repos WHERE id = $1 AND kind = $2", {*number, kind_name(kind)})))
        continue;
      const auto path = path_join(parent, name);
      log(LogLevel::info, "hub", cat("removing ", path, ": its repository was deleted or never finished"));
      TRY(remove_all(path));
    }
  }
  return {};
}

Status Hub::catch_up(const std::stop_token& stop) {
  for (const auto kind : kGitKinds) {
    for (const auto& name : TRY(list_folder(path_join(repositories_, kind_plural(kind))))) {
      if (stop.stop_requested()) return {};
      const auto number = number_of_folder(name);
      const auto repo = number ? repo_by_number(*number) : Result<Repo>(unknown_repo());
      if (!repo.ok()) continue;  // being created or deleted
      TRY(note_missed(*this, *repo));
      const auto index = main_index(*this, *repo);
      if (!index.ok())
        log(LogLevel::warning, "hub", cat("index of ", repo->full_name(), ": ", index.status().message()));
    }
  }
  return {};
}

Result<Repo> Hub::create_repo(const NewRepo& wanted) {
  TRY(check_name(wanted.id.owner));
  TRY(check_name(wanted.id.name));
  if (wanted.id.owner.size() + wanted.id.name.size() > 96)
    return Status(Code::bad_input, "a repository id has at most 96 characters");
  if (wanted.license.find_first_of("\r\n") != std::string::npos)
    return Status(Code::bad_input, "a licence is one word");
  std::optional<Fd> source_lock;  // against a repack, which removes what is being copied
  if (wanted.source) source_lock = TRY(lock_packs(*this, *wanted.source));
  constexpr std::string_view sdks[] = {"gradio", "streamlit", "docker", "static"};
  if (wanted.id.kind == RepoKind::space && std::find(std::begin(sdks), std::end(sdks), wanted.sdk) == std::end(sdks))
    return Status(Code::bad_input,
                  cat("\"sdk\" must be one of [gradio, streamlit, docker, static], found '", wanted.sdk, "'"));
  const auto now = now_ms();
  Repo repo;
  {
    auto transaction = TRY(db_->begin());
    const auto owner = TRY(transaction.query_one("SELECT id, name FROM owners WHERE name = $1", {wanted.id.owner}));
    if (!owner) return Status(Code::not_found, cat("there is no user or organisation '", wanted.id.owner, "'"));
    if (wanted.resource_group_id != 0 &&
        !TRY(transaction.query_one("SELECT 1 FROM resource_groups WHERE id = $1 AND org_id = $2",
                                   {wanted.resource_group_id, (*owner)[0]})))
      return Status(Code::not_found, cat("'", wanted.id.owner, "' has no such resource group"));
    if (TRY(transaction.query_one("SELECT 1 FROM repos WHERE owner_id = $1 AND kind = $2 AND name = $3",
                                  {(*owner)[0], kind_name(wanted.id.kind), wanted.id.name})))
      return Status(Code::conflict, cat("You already created this ", kind_name(wanted.id.kind), " repo"));
    TRY(transaction.execute("DELETE FROM repo_aliases WHERE kind = $1 AND owner = $2 AND name = $3",
                            {kind_name(wanted.id.kind), wanted.id.owner, wanted.id.name}));
    const auto made = TRY(transaction.query_one(
        "INSERT INTO repos (kind, owner_id, name, private, sdk, created_ms, modified_ms, "
        "resource_group_id, creator_id, lfs_multipart_bytes, protected, gated) "
        "VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, coalesce((SELECT source.gated FROM repos AS source WHERE "
        "source.id = $11), '')) RETURNING id",
        {kind_name(wanted.id.kind), (*owner)[0], wanted.id.name, wanted.is_private,
         wanted.id.kind == RepoKind::space ? wanted.sdk : "", now, number_or_null(wanted.resource_group_id),
         number_or_null(wanted.creator_id), wanted.lfs_multipart_bytes, wanted.is_protected,
         wanted.source ? wanted.source->id : 0}));
    const auto row = TRY(transaction.query_one(
        cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners, " WHERE repos.id = $1"), {(*made)[0]}));
    repo = repo_of(*row);
    TRY(record_event(transaction, {.kind = "repo.create",
                                   .repo_id = repo.id,
                                   .actor = wanted.author.empty() ? repo.owner : wanted.author,
                                   .data = Json::Object{{"type", kind_name(repo.kind)}, {"name", repo.full_name()}}}));
    if (wanted.source)
      TRY(transaction.execute(
          "INSERT INTO repo_objects (sha256, repo_id, size_bytes, path, ref, pushed_ms) "
          "SELECT o.sha256, r.id, o.size_bytes, o.path, o.ref, o.pushed_ms FROM repo_objects o, repos r WHERE "
          "o.repo_id = $1 AND r.id = $2",
          {wanted.source->id, repo.id}));
    auto created = !has_git(repo.kind) ? Status()
                                       : create_git(git_folder(repo), wanted.source ? git_folder(*wanted.source) : "",
                                                    wanted, wanted.author.empty() ? repo.owner : wanted.author, now);
    if (created.ok()) created = transaction.commit();
    if (!created.ok()) {
      const auto removed = remove_all(git_folder(repo));
      static_cast<void>(removed.ok());  // else the next start does
      return created;
    }
  }
  if (has_git(repo.kind)) TRY(refresh_index(*this, repo));
  return repo;
}

Result<Repo> Hub::repo(const RepoId& id) const {
  if ((!id.owner.empty() && !check_name(id.owner).ok()) || !check_name(id.name).ok()) return unknown_repo();
  auto row = TRY(db_->query_one(cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners,
                                    " WHERE owners.name = $1 AND repos.kind = $2 AND repos.name = $3"),
                                {id.owner, kind_name(id.kind), id.name}));
  if (!row)
    row = TRY(db_->query_one(cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners,
                                 " JOIN repo_aliases ON repo_aliases.repo_id = repos.id WHERE repo_aliases.owner = $1 "
                                 "AND repo_aliases.kind = $2 AND repo_aliases.name = $3"),
                             {id.owner, kind_name(id.kind), id.name}));
  if (!row) return unknown_repo();
  return repo_of(*row);
}

Result<Repo> Hub::repo_by_number(int64_t number) const {
  const auto row =
      TRY(db_->query_one(cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners, " WHERE repos.id = $1"), {number}));
  if (!row) return unknown_repo();
  return repo_of(*row);
}

Status Hub::delete_repo(const Repo& repo, std::string_view actor) {
  auto transaction = TRY(db_->begin());
  if (TRY(transaction.execute("DELETE FROM repos WHERE id = $1", {repo.id})) == 0) return unknown_repo();
  TRY(record_event(transaction, {.kind = "repo.delete",
                                 .repo_id = repo.id,
                                 .actor = std::string(actor),
                                 .data = Json::Object{{"type", kind_name(repo.kind)},
                                                      {"name", repo.full_name()},
                                                      {"private", repo.is_private},
                                                      {"ownerId", repo.owner_id},
                                                      {"resourceGroupId", repo.resource_group_id}}}));
  TRY(transaction.commit());
  return remove_all(git_folder(repo));
}

Status Hub::set_short_name(RepoKind kind, std::string_view name, const Repo* repo) {
  TRY(check_name(name));
  if (!repo) {
    if (TRY(db_->execute("DELETE FROM repo_aliases WHERE kind = $1 AND owner = '' AND name = $2",
                         {kind_name(kind), name})) == 0)
      return Status(Code::not_found, cat("there is no short name '", name, "'"));
    return {};
  }
  TRY(
      db_->execute("INSERT INTO repo_aliases (kind, owner, name, repo_id) VALUES ($1, '', $2, $3) "
                   "ON CONFLICT (kind, owner, name) DO UPDATE SET repo_id = excluded.repo_id",
                   {kind_name(kind), name, repo->id}));
  return {};
}

Result<Repo> Hub::move_repo(const Repo& repo, const RepoId& to, std::string_view actor) {
  TRY(check_name(to.owner));
  TRY(check_name(to.name));
  if (to.kind != repo.kind) return Status(Code::bad_input, "a move cannot change the type of a repository");
  auto transaction = TRY(db_->begin());
  const auto owner = TRY(transaction.query_one("SELECT id FROM owners WHERE name = $1", {to.owner}));
  if (!owner) return Status(Code::not_found, cat("there is no user or organisation '", to.owner, "'"));
  const auto taken = TRY(transaction.query_one("SELECT id FROM repos WHERE owner_id = $1 AND kind = $2 AND name = $3",
                                               {(*owner)[0], kind_name(to.kind), to.name}));
  if (taken && (*taken)[0].integer() != repo.id)
    return Status(Code::conflict, cat("A ", kind_name(to.kind), " repository called ", to.full(), " already exists"));
  const auto kind = kind_name(repo.kind);
  TRY(
      transaction.execute("INSERT INTO repo_aliases (kind, owner, name, repo_id) VALUES ($1, $2, $3, $4) "
                          "ON CONFLICT (kind, owner, name) DO UPDATE SET repo_id = excluded.repo_id",
                          {kind, repo.owner, repo.name, repo.id}));
  TRY(transaction.execute("DELETE FROM repo_aliases WHERE kind = $1 AND owner = $2 AND name = $3",
                          {kind, to.owner, to.name}));
  TRY(
      transaction.execute("UPDATE repos SET resource_group_id = CASE WHEN owner_id = $2 THEN resource_group_id END, "
                          "owner_id = $2, name = $3 WHERE id = $1",
                          {repo.id, (*owner)[0], to.name}));
  TRY(record_event(
      transaction,
      {.kind = "repo.move",
       .repo_id = repo.id,
       .actor = std::string(actor),
       .data = Json::Object{{"type", kind_name(repo.kind)}, {"from", repo.full_name()}, {"name", to.full()}}}));
  TRY(transaction.commit());
  return repo_by_number(repo.id);
}

Status Hub::update_settings(const Repo& repo, const RepoSettings& settings, std::string_view actor) {
  if (settings.gated && *settings.gated != "" && *settings.gated != "auto" && *settings.gated != "manual")
    return Status(Code::bad_input, cat("gated '", *settings.gated, "' is not known (auto, manual, false)"));
  const auto is_protected = settings.is_private ? std::optional(settings.is_protected) : std::nullopt;
  auto transaction = TRY(db_->begin());
  const auto changed =
      TRY(transaction.execute("UPDATE repos SET private = coalesce($2, private), gated = coalesce($3, gated), "
                              "protected = coalesce($4, protected) "
                              "WHERE id = $1",
                              {repo.id, settings.is_private, settings.gated, is_protected}));
  if (changed == 0) return unknown_repo();
  Json what = Json::Object();
  if (settings.is_private) what.set("private", *settings.is_private);
  if (settings.gated) what.set("gated", *settings.gated);
  TRY(record_event(transaction,
                   {.kind = "repo.config", .repo_id = repo.id, .actor = std::string(actor), .data = std::move(what)}));
  return transaction.commit();
}

Status Hub::count_download(const Repo& repo, std::string_view path, std::string_view client_address) {
  return downloads_->add(repo, path, client_address);
}

Status Hub::flush_downloads() {
  return downloads_->flush();
}

Result<std::string> Hub::secret(std::string_view name) {
  for (int tries = 0;; ++tries) {
    if (const auto row = TRY(db_->query_one("SELECT value FROM secrets WHERE name = $1", {name})))
      return from_hex((*row)[0].text());
    // Who comes second finds the first one's. A folder of before has its signing key in a file.
    auto fresh = random_bytes(kSecretBytes);
    if (auto file = read_file(cat(folder_, "/", name, ".key"), 1024); file.ok() && file->size() == kSecretBytes)
      fresh = *std::move(file);
    TRY(db_->execute("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                     {name, to_hex(fresh)}));
    VERIFY(tries == 0, "a secret that was written is there");
  }
}

Status Hub::link_objects(const Repo& repo, std::span<const StoredFilePlace> files) {
  if (files.empty()) return {};
  auto transaction = TRY(db_->begin());
  for (const auto& file : files) {
    const auto size_bytes = file.size_bytes > 0 ? file.size_bytes : content_size(*this, file.sha256).value_or(0);
    TRY(transaction.execute(
        "INSERT INTO repo_objects (sha256, repo_id, path, ref, pushed_ms, size_bytes) VALUES ($1, $2, $3, $4, $5, $6) "
        "ON CONFLICT (sha256, repo_id) DO UPDATE SET path = excluded.path, ref = excluded.ref, pushed_ms = "
        "excluded.pushed_ms, size_bytes = excluded.size_bytes WHERE repo_objects.path = ''",
        {file.sha256, repo.id, file.path, file.ref, now_ms(), static_cast<int64_t>(size_bytes)}));
  }
  return transaction.commit();
}

Status Hub::link_object(const Repo& repo, std::string_view sha256) {
  if (TRY(db_->query_one("SELECT 1 FROM repo_objects WHERE sha256 = $1 AND repo_id = $2", {sha256, repo.id})))
    return {};
  const auto size_bytes = content_size(*this, sha256).value_or(0);
  TRY(check_quota(*this, repo, size_bytes));
  TRY(
      db_->execute("INSERT INTO repo_objects (sha256, repo_id, size_bytes) VALUES ($1, $2, $3) ON CONFLICT (sha256, "
                   "repo_id) DO NOTHING",
                   {sha256, repo.id, size_bytes}));
  return {};
}

Result<bool> Hub::may_use_object(const Caller& caller, const Repo& repo, std::string_view sha256) const {
  if (!store::is_sha256(sha256) || !TRY(has_content(*this, sha256))) return false;
  for (const auto& row : TRY(db_->query(cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners,
                                            " JOIN repo_objects ON repo_objects.repo_id = repos.id WHERE sha256 = $1"),
                                        {store::Value(sha256)}))) {
    const auto holder = repo_of(row);
    if (holder.id == repo.id || check_access(caller, holder, Right::content).ok()) return true;
  }
  return false;
}

}  // namespace hearth::hub
