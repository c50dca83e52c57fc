#include "hub/backup.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <map>
#include <set>
#include <unordered_set>

#include "base/clock.h"
#include "base/files.h"
#include "base/text.h"
#include "hub/backup_files.h"
#include "hub/database_dump.h"
#include "hub/git/copy.h"
#include "hub/git/git.h"
#include "hub/lock.h"
#include "store/load.h"

namespace hearth::hub {
namespace {

constexpr uint64_t kConfigMax = 1 << 20;

// Where contents lie: read after the refs (invariant 1). They refer to nothing but repositories and each other.
bool is_late(std::string_view table) {
  return table.starts_with("xet_") || table == "repo_objects";
}

// Every ref but those of unknown pull requests.
bool has_its_row(std::string_view ref, const std::set<int64_t>& known) {
  constexpr std::string_view prefix = "refs/pr/";
  if (!ref.starts_with(prefix)) return true;
  const auto number = parse_int(ref.substr(prefix.size()));
  return number && known.count(*number) != 0;
}

class Backup {
 public:
  Backup(const Hub& hub, std::string folder, const BackupOptions& options)
      : hub_(hub), folder_(std::move(folder)), options_(options), begun_ms_(now_ms()) {}

  Result<BackupReport> run() {
    TRY(prepare());
    const auto collection = TRY(lock_collection(hub_));
    auto dump = TRY(LineFile::create(path_join(state_, "database.ndjson")));
    auto repos = TRY(LineFile::create(path_join(state_, "repos.ndjson")));
    TRY(dump_first(dump));
    for (const auto& [id, repo] : repos_)
      if (has_git(repo.kind)) TRY(copy_git(repo, repos));
    TRY(dump_late(dump));
    counters_ = TRY(store::read_counters(hub_.db()));
    TRY(copy_objects());
    TRY(copy_settings(hub_.folder(), path_join(state_, "files")));
    TRY(write_manifest(TRY(dump.finish()), TRY(repos.finish())));
    TRY(remove_unneeded());
    report_.repos = static_cast<int64_t>(repos_.size() - gone_.size());
    return report_;
  }

 private:
  void say(const std::string& what) const {
    if (options_.progress) options_.progress(what);
  }

  Status prepare() {
    TRY(make_folders(folder_, 0700));
    const auto lock = path_join(folder_, "backup.lock");
    if (!exists(lock) && !TRY(list_folder(folder_)).empty())
      return Status(Code::bad_input, cat(folder_, " holds something else: a backup begins in an empty folder"));
    lock_ = Fd(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock_) return errno_status("cannot lock", lock);
    if (flock(lock_.get(), LOCK_EX | LOCK_NB) != 0)
      return Status(Code::busy, cat("another backup into ", folder_, " is under way"));
    state_name_ = cat(begun_ms_);
    state_ = path_join(folder_, cat("states/", state_name_));
    TRY(make_folders(state_, 0700));
    objects_ = TRY(store::open_blobs(path_join(folder_, "objects")));
    return {};
  }

  Status dump_first(LineFile& dump) {
    say("database");
    auto snapshot = TRY(hub_.db().snapshot());
    TRY(snapshot.each("SELECT name FROM migrations ORDER BY number", [&](const store::Row& row) {
      steps_.emplace_back(row[0].text());
      return Status();
    }));
    TRY(snapshot.each("SELECT id, kind FROM repos", [&](const store::Row& row) -> Status {
      Repo repo;
      repo.id = row[0].integer();
      repo.kind = TRY(parse_kind(row[1].text()));
      repos_[repo.id] = repo;
      return {};
    }));
    TRY(snapshot.each("SELECT repo_id, num FROM discussions WHERE is_pull_request = 1", [&](const store::Row& row) {
      pull_requests_[row[0].integer()].insert(row[1].integer());
      return Status();
    }));
    report_.rows += TRY(
        dump_tables(snapshot, dump, [](std::string_view table) { return table != "migrations" && !is_late(table); }));
    return {};
  }

  Status dump_late(LineFile& dump) {
    auto snapshot = TRY(hub_.db().snapshot());
    const auto of_known_repo = [&](const store::TableInfo& table, const store::Row& row) {
      if (table.name != "repo_objects") return true;
      for (size_t i = 0; i < row.size(); ++i)
        if (table.columns[i] == "repo_id") return repos_.count(row[i].integer()) != 0;
      return false;
    };
    report_.rows += TRY(dump_tables(snapshot, dump, is_late, of_known_repo));
    return {};
  }

  // The line of a repository: its refs and its configuration. Refs first, then the objects that they lead to.
  Status copy_git(const Repo& repo, LineFile& out) {
    const auto from = hub_.git_folder(repo);
    const auto name = cat(kind_plural(repo.kind), "/", repo.id, ".git");
    say(name);
    auto status = [&]() -> Status {
      const auto packs = TRY(lock_packs(hub_, repo));
      JsonWriter line;
      line.begin_object().field("id", repo.id).field("kind", kind_name(repo.kind));
      line.field("config", TRY(read_file(path_join(from, "config"), kConfigMax)));
      line.key("refs").begin_object();
      TRY(write_refs(from, pull_requests_[repo.id], line));
      line.end().end();
      auto& kept = git_files_[name];
      const auto to = cat(folder_, "/repos/", name, "/objects");
      TRY(make_folders(to, 0700));
      TRY(git::copy_objects(path_join(from, "objects"), to, options_.link,
                            [&](const std::string& file) { kept.insert(file); }));
      return out.line(line.text());
    }();
    if (status.ok()) return status;
    if (TRY(hub_.db().query_one("SELECT 1 FROM repos WHERE id = $1", {repo.id})))
      return std::move(status).with(cat("repository ", name));
    gone_.push_back(repo.id);  // deleted since the snapshot
    return {};
  }

  static Status write_refs(const std::string& from, const std::set<int64_t>& pull_requests, JsonWriter& out) {
    const auto repository = TRY(git::open(from));
    git_reference_iterator* made = nullptr;
    if (const int r = git_reference_iterator_new(&made, repository.get()); r != 0) return git::failure(r, "references");
    const git::ReferenceIteratorPtr iterator(made);
    git_reference* next = nullptr;
    int r = 0;
    while ((r = git_reference_next(&next, iterator.get())) == 0) {
      const git::ReferencePtr reference(next);
      const std::string_view name = git_reference_name(reference.get());
      const auto* id = git_reference_target(reference.get());
      if (id && has_its_row(name, pull_requests)) out.field(name, git::hex(*id));
    }
    return r == GIT_ITEROVER ? Status() : git::failure(r, "references");
  }

  Status copy_objects() {
    for (const auto kind : kObjectKinds)
      TRY(hub_.blobs().list(kind, [&](const store::ObjectInfo& object) -> Status {
        ++report_.objects;
        kept_objects_.insert(object.name.text());
        if (TRY(objects_->has(object.name))) return {};
        say(object.name.text());
        TRY(copy_object(hub_.blobs(), *objects_, object, options_.link, /*check=*/false));
        ++report_.objects_new;
        report_.bytes_new += object.size_bytes;
        return {};
      }));
    return {};
  }

  Status write_manifest(const std::string& database_sha256, const std::string& repos_sha256) {
    Json::Array steps, gone;
    for (const auto& step : steps_) steps.emplace_back(step);
    for (const auto id : gone_) gone.emplace_back(id);
    Json counters = Json::Object();
    for (const auto& [table, number] : counters_) counters.set(table, number);
    const Json manifest = Json::Object{{"hearth_backup", kBackupVersion},
                                       {"state", state_name_},
                                       {"begun", iso_time(begun_ms_)},
                                       {"ended", iso_time(now_ms())},
                                       {"steps", std::move(steps)},
                                       {"rows", report_.rows},
                                       {"objects", report_.objects},
                                       {"deletedMeanwhile", std::move(gone)},
                                       {"counters", std::move(counters)},
                                       {"database", database_sha256},
                                       {"repos", repos_sha256}};
    TRY(sync_folder(state_));
    TRY(sync_folder(path_join(folder_, "states")));
    return write_file(path_join(folder_, "manifest.json"), cat(manifest.dump(2), "\n"), 0600);
  }

  // Of earlier states, finished or not.
  Status remove_unneeded() {
    say("removing what is not needed any more");
    for (const auto& name : TRY(list_folder(path_join(folder_, "states"))))
      if (name != state_name_) TRY(remove_all(cat(folder_, "/states/", name)));
    for (const auto kind : kObjectKinds)
      TRY(objects_->list(kind, [&](const store::ObjectInfo& object) {
        return kept_objects_.count(object.name.text()) != 0 ? Status() : objects_->remove(object.name);
      }));
    const auto top = path_join(folder_, "repos");
    if (!is_folder(top)) return {};
    for (const auto& kind : TRY(list_folder(top)))
      for (const auto& name : TRY(list_folder(path_join(top, kind)))) TRY(remove_git_files(cat(kind, "/", name)));
    return {};
  }

  Status remove_git_files(const std::string& name) {
    const auto folder = cat(folder_, "/repos/", name);
    const auto kept = git_files_.find(name);
    if (kept == git_files_.end()) return remove_all(folder);
    const auto objects = path_join(folder, "objects");
    for (const auto& sub : TRY(list_folder(objects)))
      for (const auto& file : TRY(list_folder(path_join(objects, sub))))
        if (const auto path = path_join(sub, file); kept->second.count(path) == 0)
          TRY(remove_all(path_join(objects, path)));
    return {};
  }

  const Hub& hub_;
  const std::string folder_;
  const BackupOptions& options_;
  const int64_t begun_ms_;
  Fd lock_;
  std::string state_name_, state_;
  std::unique_ptr<store::Blobs> objects_;
  std::vector<std::string> steps_;
  store::Counters counters_;
  std::map<int64_t, Repo> repos_;
  std::map<int64_t, std::set<int64_t>> pull_requests_;  // by repository
  std::vector<int64_t> gone_;
  std::unordered_set<std::string> kept_objects_;
  std::map<std::string, std::unordered_set<std::string>> git_files_;  // of models/7.git
  BackupReport report_;
};

}  // namespace

Result<BackupReport> back_up(const Hub& hub, const std::string& folder, const BackupOptions& options) {
  return Backup(hub, folder, options).run();
}

}  // namespace hearth::hub
