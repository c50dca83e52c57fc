#include "hub/import_cache.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/text.h"
#include "hub/adopt_file.h"
#include "hub/commit.h"
#include "hub/history.h"
#include "hub/organisations.h"
#include "hub/tree.h"
#include "huggingface_hub/cache_manager.h"
#include "huggingface_hub/endpoint.h"

namespace hearth::hub {
namespace {

constexpr std::string_view kTitle = "Snapshot ";

Result<User> first_admin(const Hub& hub) {
  const auto row =
      TRY(hub.db().query_one("SELECT owners.name FROM users JOIN owners ON owners.id = users.owner_id WHERE "
                             "users.is_admin = 1 ORDER BY owners.id"));
  if (!row) return Status(Code::unavailable, "the hub has no administrator yet: hearth admin user create NAME --admin");
  return hub.accounts().user((*row)[0].text());
}

// Where a symbolic link leads; empty for other files.
std::string read_link(const std::string& path) {
  std::string out(PATH_MAX, '\0');
  const auto length = ::readlink(path.c_str(), out.data(), out.size());
  out.resize(length > 0 ? static_cast<size_t>(length) : 0);
  return out;
}

class Importer {
 public:
  Importer(Hub& hub, const CacheImport& import, User admin, const std::function<void(const std::string&)>& told)
      : hub_(hub), import_(import), admin_(std::move(admin)), told_(told) {}

  CacheImported out;

  Status take(const CachedRepo& cached) {
    const auto id = local_id(cached);
    if (!id.ok()) {
      out.warnings.push_back(cat(cached.repo.id, ": ", id.status().message()));
      return {};
    }
    auto repo = hub_.repo(*id);
    if (!repo.ok() && repo.status().code() == Code::repo_not_found) repo = create(*id);
    if (!repo.ok()) return std::move(repo).status().with(cached.repo.id);
    ++out.repos;
    const auto present = TRY(imported(*repo));
    auto revisions = cached.revisions;
    // The one that main names comes last: it is main then.
    std::stable_partition(revisions.begin(), revisions.end(), [](const CachedRevision& revision) {
      return std::find(revision.refs.begin(), revision.refs.end(), "main") == revision.refs.end();
    });
    for (const auto& revision : revisions) {
      if (present.count(revision.commit_hash)) {
        ++out.skipped;
        continue;
      }
      told_(cat(repo->full_name(), " ", revision.commit_hash));
      TRY(take(*repo, cached, revision));
    }
    return {};
  }

 private:
  Result<RepoId> local_id(const CachedRepo& cached) {
    const auto kind = TRY(parse_kind(cached.repo.type == RepoType::dataset ? "dataset"
                                     : cached.repo.type == RepoType::space ? "space"
                                                                           : "model"));
    auto name = cached.repo.id;
    if (!contains(name, "/")) {
      if (import_.default_owner.empty()) return Status(Code::bad_input, "it has no owner: say --owner NAME");
      name = cat(import_.default_owner, "/", name);
    }
    auto id = TRY(parse_repo_id(kind, name));
    for (const auto& [there, here] : import_.owners)
      if (equals_ignore_case(there, id.owner)) id.owner = here;
    return id;
  }

  Result<Repo> create(const RepoId& id) {
    if (!TRY(hub_.db().query_one("SELECT 1 FROM owners WHERE name = $1", {id.owner})))
      TRY(create_org(hub_, {.name = id.owner, .details = "From a cache"}, admin_));
    return hub_.create_repo({.id = id, .is_private = import_.is_private, .sdk = "static", .creator_id = admin_.id});
  }

  // Snapshots whose commits are there already.
  Result<std::set<std::string>> imported(const Repo& repo) {
    std::set<std::string> found;
    constexpr int64_t kPage = 1000;
    for (int64_t skip = 0;; skip += kPage) {
      const auto page = TRY(list_commits(hub_, repo, "main", skip, kPage));
      for (const auto& commit : page.commits)
        if (commit.title.starts_with(kTitle)) found.insert(commit.title.substr(kTitle.size()));
      if (skip + kPage >= page.total) return found;
    }
  }

  Status take(const Repo& repo, const CachedRepo& cached, const CachedRevision& revision) {
    NewCommit commit{.branch = "main",
                     .summary = cat(kTitle, revision.commit_hash),
                     .description = cat("Imported from the cache of ", cached.repo.id)};
    std::set<std::string> kept;
    for (const auto& file : revision.files) {
      const auto path = check_path(file);
      auto operation = path.ok() ? read(repo, path_join(revision.snapshot_path, file), *path)
                                 : Result<Operation>(path.status().clone());
      if (!operation.ok()) {
        if (operation.status().code() == Code::no_space) return std::move(operation).status();
        out.warnings.push_back(cat(cached.repo.id, "/", file, ": ", operation.status().message()));
        continue;
      }
      kept.insert(*path);
      commit.operations.push_back(*std::move(operation));
      ++out.files;
    }
    if (kept.empty()) return {};
    for (const auto& entry : TRY(list_files(hub_, repo, "main")))
      if (!kept.count(entry.path) && entry.path != ".gitattributes")
        commit.operations.emplace_back(DeleteFile{entry.path});
    Caller caller;
    caller.user = admin_;
    const auto done = TRY(create_commit(hub_, repo, caller, commit));
    for (const auto& ref : revision.refs) {
      if (ref == "main") continue;
      const auto made = create_branch(hub_, repo, caller, ref, {.start = done.id, .overwrite = true});
      if (!made.ok()) out.warnings.push_back(cat(cached.repo.id, ": ", ref, ": ", made.message()));
    }
    ++out.snapshots;
    return {};
  }

  // A blob of 64 digits is a large file under its SHA-256, one of 40 a file of git's. The snapshot's own link has that
  // name; the blob may lead on to a file that several repositories share, which has its Xet hash as name
  // (huggingface_hub 2.4.0 utils/_shared_blobs.py).
  Result<Operation> read(const Repo& repo, const std::string& file, std::string path) {
    const auto blob = TRY(absolute_path(file));
    const auto link = read_link(file);
    const auto name = path_name(link.empty() ? blob : link);
    const bool named = store::is_sha256(name);
    if (!named && TRY(file_size(blob)) <= kRegularLimit)
      return Operation(PutFile{std::move(path), TRY(hearth::read_file(blob, kRegularLimit))});
    const auto adopted = TRY(adopt_file(hub_, blob, named ? name : std::string_view()));
    TRY(hub_.link_object(repo, adopted.sha256));
    (adopted.linked ? out.linked_bytes : out.copied_bytes) += adopted.size_bytes;
    return Operation(PutLfsFile{std::move(path), adopted.sha256, adopted.size_bytes});
  }

  Hub& hub_;
  const CacheImport& import_;
  const User admin_;
  const std::function<void(const std::string&)>& told_;
};

}  // namespace

Result<CacheImported> import_cache(Hub& hub, const CacheImport& import,
                                   const std::function<void(const std::string&)>& told) {
  const auto cache = TRY(scan_cache_dir(import.folder.empty() ? hf_hub_cache() : import.folder));
  Importer importer(hub, import, TRY(first_admin(hub)), told);
  for (const auto& cached : cache.repos) TRY(importer.take(cached));
  for (const auto& warning : cache.warnings) importer.out.warnings.push_back(warning);
  return std::move(importer.out);
}

}  // namespace hearth::hub
