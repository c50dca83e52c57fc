#include <fcntl.h>

#include <algorithm>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "hub/backup.h"
#include "hub/backup_files.h"
#include "hub/database_dump.h"
#include "hub/git/copy.h"
#include "hub/git/durable.h"
#include "hub/git/git.h"
#include "hub/migrations_registry.h"
#include "store/load.h"

namespace hearth::hub {
namespace {

constexpr uint64_t kManifestMax = 64 << 20;

class Restore {
 public:
  Restore(std::string backup, std::string folder, const Configuration& where, const BackupProgress& progress)
      : backup_(std::move(backup)), folder_(std::move(folder)), where_(where), progress_(progress) {}

  Result<RestoreReport> run() {
    git::start_library();
    TRY(read_manifest());
    TRY(check_empty());
    TRY(make_folders(folder_, 0700));
    TRY(configure(folder_, where_));
    TRY(restore_objects());
    TRY(restore_repositories());
    TRY(copy_settings(path_join(state_, "files"), folder_));
    TRY(restore_database());
    TRY(sync_folder(folder_));
    TRY(sync_folder(std::string(path_parent(TRY(absolute_path(folder_))))));
    return report_;
  }

 private:
  void say(const std::string& what) const {
    if (progress_) progress_(what);
  }
  std::string repositories() const {
    return where_.repositories.empty() ? path_join(folder_, "repos") : where_.repositories;
  }

  Status read_manifest() {
    const auto path = path_join(backup_, "manifest.json");
    auto text = read_file(path, kManifestMax);
    if (text.status().code() == Code::not_found)
      return Status(Code::bad_input, cat(backup_, " has no manifest.json: no backup into it was ever finished"));
    manifest_ = TRY(Json::parse(TRY(std::move(text))));
    if (manifest_["hearth_backup"].as_int() != kBackupVersion)
      return Status(Code::unsupported, cat(path, " is of another version of Hearth"));
    const auto name = manifest_["state"].as_string();
    if (!parse_int(name)) return Status(Code::bad_input, cat(path, " names no state"));
    state_ = cat(backup_, "/states/", name);
    report_.begun_ms = TRY(parse_iso_time(manifest_["begun"].as_string()));
    TRY(check("database.ndjson", "database"));
    TRY(check("repos.ndjson", "repos"));
    for (const auto& step : manifest_["steps"].array()) {
      const auto all = migrations::entries();
      const auto found =
          std::find_if(all.begin(), all.end(), [&](const auto* one) { return one->name == step.as_string(); });
      if (found == all.end())
        return Status(Code::unsupported, cat("the backup has the schema step '", step.as_string(),
                                             "', which this Hearth does not know: restore with the version that wrote "
                                             "it"));
      steps_.push_back(*found);
    }
    return {};
  }

  Status check(std::string_view file, std::string_view key) const {
    const auto mapped = TRY(MappedFile::open(path_join(state_, file)));
    if (sha256_hex(mapped.text()) == manifest_[key].as_string()) return {};
    return Status(Code::bad_input, cat(mapped.path(), " is damaged: its hash is not the manifest's"));
  }

  Status check_empty() const {
    for (const auto& folder : {folder_, repositories()})
      if (exists(folder) && !TRY(list_folder(folder)).empty())
        return Status(Code::conflict, cat(folder, " is not empty: a hub is restored into a new folder"));
    if (where_.database.empty()) return {};
    // With no step at all a database that has some is refused.
    const auto database = store::Db::open(where_.database, {});
    if (database.ok()) return {};
    if (database.status().code() == Code::unsupported)
      return Status(Code::conflict, "the database holds a hub already: restore into an empty one");
    return database.status().clone();
  }

  Status restore_objects() {
    const auto from = TRY(store::open_blobs(path_join(backup_, "objects")));
    const auto to = TRY(store::open_blobs(path_join(folder_, "objects"), where_.objects));
    for (const auto kind : kObjectKinds)
      TRY(from->list(kind, [&](const store::ObjectInfo& object) -> Status {
        if (TRY(to->has(object.name))) return {};
        say(object.name.text());
        auto status = copy_object(*from, *to, object, /*link=*/false, /*check=*/true);
        if (status.code() == Code::bad_input) {
          report_.damaged.push_back(object.name.text());
          return {};
        }
        ++report_.objects;
        return status;
      }));
    return {};
  }

  Status restore_repositories() {
    for (const auto kind : kGitKinds) TRY(make_folders(path_join(repositories(), kind_plural(kind)), 0700));
    const auto lines = TRY(MappedFile::open(path_join(state_, "repos.ndjson")));
    for (const auto line : split(lines.text(), '\n'))
      if (!line.empty()) TRY(restore_repository(TRY(Json::parse(line))));
    for (const auto kind : kGitKinds) TRY(sync_folder(path_join(repositories(), kind_plural(kind))));
    return sync_folder(repositories());
  }

  Status restore_repository(const Json& json) {
    const auto kind = TRY(parse_kind(json["kind"].as_string()));
    const auto name = cat(kind_plural(kind), "/", json["id"].as_int(), ".git");
    say(name);
    const auto folder = path_join(repositories(), name);
    TRY(git::create(folder));
    TRY(write_file(path_join(folder, "config"), json["config"].as_string()));
    TRY(git::copy_objects(cat(backup_, "/repos/", name, "/objects"), path_join(folder, "objects"), /*link=*/false, {}));
    auto refs = json["refs"].object();
    std::sort(refs.begin(), refs.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string packed;
    for (const auto& [ref, id] : refs) packed += cat(id.as_string(), " ", ref, "\n");
    TRY(write_file(path_join(folder, "packed-refs"), packed));
    return git::sync_new(folder);
  }

  // Last: until it is committed there is no hub that could be opened by mistake.
  Status restore_database() {
    say("database");
    auto where = where_.database;
    if (where.empty()) {
      where = path_join(folder_, "hearth.db");
      if (const Fd file(::open(where.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)); !file)
        return errno_status("cannot open", where);
    }
    {
      // The schema that the rows were written for; later steps then change rows and schema as they would have.
      const auto db = TRY(store::Db::open(where, steps_));
      auto transaction = TRY(db->begin());
      TRY(store::defer_references(*db, transaction));
      const auto dump = TRY(MappedFile::open(path_join(state_, "database.ndjson")));
      report_.rows = TRY(load_dump(transaction, dump.text()));
      for (const auto& id : manifest_["deletedMeanwhile"].array())
        TRY(transaction.execute("DELETE FROM repos WHERE id = $1", {id.as_int()}));
      report_.repos = (*TRY(transaction.query_one("SELECT count(*) FROM repos")))[0].integer();  // buckets, too
      store::Counters counters;
      for (const auto& [table, number] : manifest_["counters"].object()) counters[table] = number.as_int();
      TRY(store::reset_counters(*db, transaction, counters));
      TRY(transaction.commit());
    }
    TRY(store::Db::open(where, migrations::entries()));
    return {};
  }

  const std::string backup_, folder_;
  const Configuration& where_;
  const BackupProgress& progress_;
  Json manifest_;
  std::string state_;
  std::vector<const store::Migration*> steps_;
  RestoreReport report_;
};

}  // namespace

Result<RestoreReport> restore_backup(const std::string& backup, const std::string& folder, const Configuration& where,
                                     const BackupProgress& progress) {
  return Restore(backup, folder, where, progress).run();
}

}  // namespace hearth::hub
