#include "hub/archive.h"

#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <set>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/process.h"
#include "base/text.h"
#include "hub/adopt_file.h"
#include "hub/archive_manifest.h"
#include "hub/content.h"
#include "hub/git/durable.h"
#include "hub/history.h"
#include "hub/lock.h"
#include "hub/organisations.h"
#include "hub/push.h"
#include "hub/tar.h"

namespace hearth::hub {
namespace {

constexpr uint64_t kManifestMax = 256 << 20;
constexpr std::string_view kNoId = "0000000000000000000000000000000000000000";

// A folder beside the store's files, gone at the end.
class Staging {
 public:
  static Result<Staging> make(const Hub& hub) {
    Staging out(path_join(hub.blobs().incoming(), cat("archive-", random_token(16))));
    TRY(make_folders(out.path_, 0700));
    return out;
  }
  Staging(Staging&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Staging& operator=(Staging&&) = delete;
  ~Staging() {
    if (!path_.empty()) static_cast<void>(remove_all(path_).ok());  // else as a leftover, by age
  }
  const std::string& path() const { return path_; }

 private:
  explicit Staging(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Status run(std::vector<std::string> words, std::string_view what) {
  ProcessOptions options;
  options.arguments = std::move(words);
  options.environment = {"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "LC_ALL=C"};
  const auto done = TRY(run_process(options));
  if (done.exit_status == 0) return {};
  return Status(Code::bad_input, cat(what, ": ", trim(done.err)));
}

std::map<std::string, std::string> targets(const Refs& refs) {
  std::map<std::string, std::string> out;
  for (const auto* list : {&refs.branches, &refs.tags, &refs.converts, &refs.pull_requests})
    for (const auto& ref : *list) out[ref.ref] = ref.target;
  return out;
}

Result<std::string> file_sha256(const std::string& path) {
  const auto mapped = TRY(MappedFile::open(path));
  return sha256_hex(mapped.text());
}

Result<std::vector<std::string>> objects_of(const Hub& hub, const Repo& repo) {
  std::vector<std::string> out;
  for (const auto& row : TRY(hub.db().query("SELECT sha256 FROM repo_objects WHERE repo_id = $1 ORDER BY sha256",
                                            {store::Value(repo.id)})))
    out.push_back(row[0].text());
  return out;
}

// ---- export ----

// The repository's references as a bundle below `base`, and which large files it has.
Result<ArchivedRepo> bundle_repo(Hub& hub, const Repo& repo, const std::string& base, size_t number,
                                 ArchiveDone& done) {
  if (!has_git(repo.kind))
    return Status(Code::unsupported, cat(repo.full_name(), ": only repositories with git can be exported"));
  ArchivedRepo out{.id = {.kind = repo.kind, .owner = repo.owner, .name = repo.name},
                   .is_private = repo.is_private,
                   .gated = repo.gated,
                   .sdk = repo.sdk,
                   .bundle = archived_bundle(number)};
  const auto bundle = path_join(base, out.bundle);
  {
    const auto lock = TRY(lock_repository(hub, repo));  // the list and the bundle are of one moment
    out.refs = targets(TRY(list_refs(hub, repo)));
    TRY(run(
        {"git", "-C", hub.git_folder(repo), "-c", "safe.directory=*", "bundle", "create", "--quiet", bundle, "--all"},
        cat("the commits of ", repo.full_name())));
  }
  out.sha256 = TRY(file_sha256(bundle));
  for (auto& object : TRY(objects_of(hub, repo))) {
    if (TRY(has_content(hub, object)))
      out.objects.push_back(std::move(object));
    else
      done.warnings.push_back(cat(repo.full_name(), ": the large file ", object, " is not stored here"));
  }
  return out;
}

// A large file as it is stored here, whole or as chunks, read once.
Status write_object(const Hub& hub, const std::string& sha256, TarWriter& tar) {
  TRY(tar.begin(archived_object(sha256), TRY(content_size(hub, sha256))));
  Hasher hasher(HashKind::sha256);
  TRY(stream_content(hub, sha256, [&](std::string_view bytes) {
    hasher.update(bytes);
    return tar.write(bytes);
  }));
  if (hasher.hex() == sha256) return {};
  return Status(Code::io, cat("the stored large file ", sha256, " is damaged: hearth admin fsck says what has it"));
}

Status write_archive(const Hub& hub, const std::string& base, const std::vector<ArchivedRepo>& all,
                     const std::string& file, ArchiveDone& done) {
  auto tar = TRY(TarWriter::create(file));
  const auto manifest = format_archive_manifest(all);
  TRY(tar.begin("manifest.json", manifest.size()));
  TRY(tar.write(manifest));
  for (const auto& repo : all) {
    const auto bundle = TRY(MappedFile::open(path_join(base, repo.bundle)));
    TRY(tar.begin(repo.bundle, bundle.text().size()));
    TRY(tar.write(bundle.text()));
  }
  std::set<std::string_view> written;
  for (const auto& repo : all)
    for (const auto& object : repo.objects)
      if (written.insert(object).second) TRY(write_object(hub, object, tar));
  done.objects = static_cast<int64_t>(written.size());
  return tar.finish();
}

// ---- import ----

Result<std::vector<ArchivedRepo>> read_manifest(const std::string& file, const Staging& staging) {
  TRY(run({"tar", "-xf", file, "-C", staging.path(), "--occurrence=1", "--no-same-owner", "manifest.json"},
          cat(file, " is no archive of `hearth admin export`")));
  const auto path = path_join(staging.path(), "manifest.json");
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
    return Status(Code::bad_input, "the archive's manifest is no file");
  return parse_archive_manifest(TRY(read_file(path, kManifestMax)));
}

// Unpacks all but the large files that are here.
Status unpack(const Hub& hub, const std::string& file, const Staging& staging, const std::vector<ArchivedRepo>& all) {
  std::string present;
  for (const auto& repo : all)
    for (const auto& object : repo.objects)
      if (TRY(has_content(hub, object))) present += cat(archived_object(object), "\n");
  const auto exclude = path_join(staging.path(), "present");
  TRY(write_file(exclude, present));
  return run({"tar", "-xf", file, "-C", staging.path(), "--no-same-owner", "--no-same-permissions", "--touch",
              "--anchored", "-X", exclude},
             cat("cannot unpack ", file));
}

Status take_objects(Hub& hub, const Staging& staging, const std::vector<ArchivedRepo>& all, ArchiveDone& done) {
  for (const auto& repo : all)
    for (const auto& object : repo.objects) {
      if (TRY(has_content(hub, object))) continue;
      const auto path = path_join(staging.path(), archived_object(object));
      struct stat info {};
      if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
        return Status(Code::bad_input, cat("the archive is cut short: it lacks ", object, " of ", repo.id.full()));
      TRY(adopt_file(hub, path, object));
      ++done.objects;
    }
  return {};
}

Result<Repo> own(Hub& hub, const RepoId& id, const std::string& sdk) {
  auto repo = hub.repo(id);
  if (repo.ok() || repo.status().code() != Code::repo_not_found) return repo;
  if (!TRY(hub.db().query_one("SELECT 1 FROM owners WHERE name = $1", {id.owner}))) {
    const auto admin =
        TRY(hub.db().query_one("SELECT owners.name FROM users JOIN owners ON owners.id = users.owner_id WHERE "
                               "users.is_admin = 1 ORDER BY owners.id"));
    if (!admin)
      return Status(Code::unavailable, "the hub has no administrator yet: hearth admin user create NAME --admin");
    TRY(create_org(hub, {.name = id.owner, .details = "From an archive"},
                   TRY(hub.accounts().user((*admin)[0].text()))));
  }
  // Private until all of it is here.
  return hub.create_repo({.id = id, .is_private = true, .sdk = sdk.empty() ? "static" : sdk});
}

Status take_repo(Hub& hub, const Staging& staging, const ArchivedRepo& planned, bool overwrite, ArchiveDone& done) {
  const bool known = hub.repo(planned.id).ok();
  const auto repo = TRY(own(hub, planned.id, planned.sdk));
  const auto before = targets(TRY(list_refs(hub, repo)));
  if (before == planned.refs) {
    ++done.unchanged;
    return {};
  }
  // One that an interrupted import left has a single commit and is private.
  const bool begun =
      known && repo.is_private && before.size() == 1 && TRY(list_commits(hub, repo, "main", 0, 2)).total == 1;
  if (known && !begun && !overwrite) {
    done.warnings.push_back(cat(planned.id.full(), " is here with other commits: --overwrite gives it the archive's"));
    return {};
  }
  const auto bundle = path_join(staging.path(), planned.bundle);
  struct stat info {};
  if (::lstat(bundle.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || TRY(file_sha256(bundle)) != planned.sha256)
    return Status(Code::bad_input, cat("the archive is damaged: the commits of ", planned.id.full()));
  {
    const auto lock = TRY(lock_repository(hub, repo));
    const auto begun_ms = now_ms();
    TRY(run({"git", "-C", hub.git_folder(repo), "-c", "safe.directory=*", "-c", "fetch.fsckObjects=true", "-c",
             "core.fsync=committed,reference", "fetch", "--quiet", "--force", "--prune", "--atomic", "--no-tags",
             "--no-write-fetch-head", TRY(absolute_path(bundle)), "+refs/*:refs/*"},
            cat("the commits of ", planned.id.full())));
    TRY(git::sync_names(hub.git_folder(repo), begun_ms));
  }
  for (const auto& object : planned.objects) TRY(hub.link_object(repo, object));
  std::vector<RefUpdate> updates;
  const auto after = targets(TRY(list_refs(hub, repo)));
  for (const auto& [ref, target] : after) {
    const auto old = before.find(ref);
    if (old == before.end() || old->second != target)
      updates.push_back({old == before.end() ? std::string(kNoId) : old->second, target, ref});
  }
  TRY(after_push(hub, repo, "", updates));
  if (!known || begun) TRY(hub.update_settings(repo, {.is_private = planned.is_private, .gated = planned.gated}));
  ++done.repos;
  return {};
}

}  // namespace

Result<ArchiveDone> export_archive(Hub& hub, const std::vector<Repo>& repos, const std::string& file,
                                   const ArchiveTold& told) {
  ArchiveDone done;
  const auto staging = TRY(Staging::make(hub));
  TRY(make_folders(path_join(staging.path(), "repos")));
  const auto base = TRY(absolute_path(staging.path()));
  std::vector<ArchivedRepo> all;
  for (const auto& repo : repos) {
    told(repo.full_name());
    all.push_back(TRY(bundle_repo(hub, repo, base, all.size(), done)));
  }
  const auto partial = file + ".partial";
  auto written = write_archive(hub, base, all, partial, done);
  if (written.ok()) written = rename_path(partial, file);
  if (written.ok()) written = sync_folder(std::string(path_parent(TRY(absolute_path(file)))));
  if (!written.ok()) {
    ::unlink(partial.c_str());
    return written;
  }
  done.repos = static_cast<int64_t>(all.size());
  return done;
}

Result<ArchiveDone> import_archive(Hub& hub, const std::string& file, bool overwrite, const ArchiveTold& told) {
  ArchiveDone done;
  const auto archive = TRY(absolute_path(file));
  const auto staging = TRY(Staging::make(hub));
  const auto planned = TRY(read_manifest(archive, staging));
  told(cat("unpacking ", planned.size(), " repositories"));
  TRY(unpack(hub, archive, staging, planned));
  TRY(take_objects(hub, staging, planned, done));
  for (const auto& repo : planned) {
    told(repo.id.full());
    TRY(take_repo(hub, staging, repo, overwrite, done));
  }
  return done;
}

}  // namespace hearth::hub
