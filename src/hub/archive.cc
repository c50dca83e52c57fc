#include "hub/archive.h"

#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <set>

#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/process.h"
#include "base/text.h"
#include "hub/adopt_file.h"
#include "hub/history.h"
#include "hub/lock.h"
#include "hub/organisations.h"
#include "hub/push.h"

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

// ---- import ----

struct Planned {
  RepoId id;
  bool is_private = true;
  std::string gated, sdk, bundle, sha256;
  std::map<std::string, std::string> refs;
  std::vector<std::string> objects;
};

Result<Planned> parse_planned(const Json& json, size_t number) {
  Planned out;
  const auto kind = TRY(parse_kind(json["type"].as_string()));
  out.id = TRY(parse_repo_id(kind, json["name"].as_string()));
  out.is_private = json["private"].as_bool(true);
  out.gated = json["gated"].as_string();
  out.sdk = json["sdk"].as_string();
  out.sha256 = json["sha256"].as_string();
  out.bundle = cat("repos/", number, ".bundle");  // never a path that the archive chose
  if (!store::is_sha256(out.sha256)) return Status(Code::bad_input, "a bundle has no SHA-256");
  for (const auto& [ref, target] : json["refs"].object()) out.refs[ref] = target.as_string();
  for (const auto& object : json["objects"].array()) {
    if (!store::is_sha256(object.as_string())) return Status(Code::bad_input, "an object's name is no SHA-256");
    out.objects.emplace_back(object.as_string());
  }
  return out;
}

Result<std::vector<Planned>> read_manifest(const std::string& file, const Staging& staging) {
  TRY(run({"tar", "-xf", file, "-C", staging.path(), "--occurrence=1", "--no-same-owner", "manifest.json"},
          cat(file, " is no archive of `hearth admin export`")));
  const auto path = path_join(staging.path(), "manifest.json");
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
    return Status(Code::bad_input, "the archive's manifest is no file");
  const auto json = TRY(Json::parse(TRY(read_file(path, kManifestMax))));
  if (json["hearth_archive"].as_int() != 1)
    return Status(Code::bad_input, cat(file, " is an archive of another version of Hearth"));
  std::vector<Planned> out;
  for (const auto& repo : json["repos"].array()) out.push_back(TRY(parse_planned(repo, out.size())));
  return out;
}

// Unpacks all but the large files that are here.
Status unpack(const Hub& hub, const std::string& file, const Staging& staging, const std::vector<Planned>& all) {
  std::string present;
  for (const auto& repo : all)
    for (const auto& object : repo.objects)
      if (TRY(hub.blobs().has(object))) present += cat("objects/", object, "\n");
  const auto exclude = path_join(staging.path(), "present");
  TRY(write_file(exclude, present));
  return run({"tar", "-xf", file, "-C", staging.path(), "--no-same-owner", "--no-same-permissions", "--anchored", "-X",
              exclude},
             cat("cannot unpack ", file));
}

Status take_objects(Hub& hub, const Staging& staging, const std::vector<Planned>& all, ArchiveDone& done) {
  for (const auto& repo : all)
    for (const auto& object : repo.objects) {
      if (TRY(hub.blobs().has(object))) continue;
      const auto path = cat(staging.path(), "/objects/", object);
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

Status take_repo(Hub& hub, const Staging& staging, const Planned& planned, bool overwrite, ArchiveDone& done) {
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
    TRY(run({"git", "-C", hub.git_folder(repo), "-c", "safe.directory=*", "-c", "fetch.fsckObjects=true", "-c",
             "core.fsync=committed,reference", "fetch", "--quiet", "--force", "--prune", "--atomic", "--no-tags",
             "--no-write-fetch-head", TRY(absolute_path(bundle)), "+refs/*:refs/*"},
            cat("the commits of ", planned.id.full())));
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
  TRY(make_folders(path_join(staging.path(), "objects")));
  const auto base = TRY(absolute_path(staging.path()));
  JsonWriter manifest;
  manifest.begin_object().field("hearth_archive", 1).key("repos").begin_array();
  std::set<std::string> stored;
  for (const auto& repo : repos) {
    if (!has_git(repo.kind))
      return Status(Code::unsupported, cat(repo.full_name(), ": only repositories with git can be exported"));
    told(repo.full_name());
    const auto bundle = cat(base, "/repos/", done.repos, ".bundle");
    std::map<std::string, std::string> refs;
    {
      const auto lock = TRY(lock_repository(hub, repo));  // the list and the bundle are of one moment
      refs = targets(TRY(list_refs(hub, repo)));
      TRY(run(
          {"git", "-C", hub.git_folder(repo), "-c", "safe.directory=*", "bundle", "create", "--quiet", bundle, "--all"},
          cat("the commits of ", repo.full_name())));
    }
    manifest.begin_object().field("type", kind_name(repo.kind)).field("name", repo.full_name());
    manifest.field("private", repo.is_private).field("gated", repo.gated).field("sdk", repo.sdk);
    manifest.field("sha256", TRY(file_sha256(bundle))).key("refs").begin_object();
    for (const auto& [ref, target] : refs) manifest.field(ref, target);
    manifest.end().key("objects").begin_array();
    for (const auto& object : TRY(objects_of(hub, repo))) {
      if (!TRY(hub.blobs().has(object))) {
        done.warnings.push_back(cat(repo.full_name(), ": the large file ", object, " is not stored here as a whole"));
        continue;
      }
      manifest.value(object);
      if (!stored.insert(object).second) continue;
      const auto path = TRY(absolute_path(TRY(hub.blobs().local_path(object))));
      if (::symlink(path.c_str(), cat(base, "/objects/", object).c_str()) != 0)
        return errno_status("cannot link", path);
      ++done.objects;
    }
    manifest.end().end();
    ++done.repos;
  }
  TRY(write_file(path_join(base, "manifest.json"), manifest.end().end().take()));
  const auto partial = file + ".partial";
  auto packed = run({"tar", "-chf", partial, "-C", base, "--owner=0", "--group=0", "manifest.json", "repos", "objects"},
                    cat("cannot write ", file));
  if (packed.ok()) {
    const auto written = TRY(open_read(partial));
    if (::fsync(written.get()) != 0) packed = errno_status("cannot sync", partial);
  }
  if (packed.ok()) packed = rename_path(partial, file);
  if (!packed.ok()) {
    ::unlink(partial.c_str());
    return packed;
  }
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
