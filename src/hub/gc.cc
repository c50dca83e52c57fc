#include "hub/gc.h"

#include <map>
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "hub/lock.h"
#include "hub/named_contents.h"
#include "hub/rows.h"

namespace hearth::hub {
namespace {

// Every content that some repository names. A repository that cannot be read ends the collection: nothing is lost to a
// damaged disk.
Result<std::set<std::string>> named_contents(const Hub& hub) {
  std::set<std::string> out;
  for (const auto& row : TRY(hub.db().query(cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners))))
    TRY(add_named_contents(hub, repo_of(row), out));
  return out;
}

class Collection {
 public:
  Collection(const Hub& hub, const GarbageOptions& options)
      : hub_(hub), dry_run_(options.dry_run), oldest_ms_(now_ms() - options.min_age_ms) {}

  Result<GarbageReport> run() {
    const auto files = TRY(old_objects("sha256"));
    const auto xorbs = TRY(old_objects("xorbs")), tables = TRY(old_objects("xorbtables"));
    named_ = TRY(named_contents(hub_));
    TRY(forget_files());
    TRY(remove_xorbs(xorbs, tables));
    TRY(remove_files(files));
    report_.kept = total_ - report_.files - report_.xorbs;
    return report_;
  }

 private:
  Result<std::map<std::string, uint64_t>> old_objects(std::string_view kind) {
    std::map<std::string, uint64_t> out;
    TRY(hub_.blobs().list(kind, [&](const store::ObjectInfo& object) {
      if (kind != "xorbtables") ++total_;
      if (object.modified_ms < oldest_ms_) out.emplace(object.name.hash(), object.size_bytes);
      return Status();
    }));
    return out;
  }

  // Xet forms of contents that nobody names.
  Status forget_files() {
    for (const auto& row :
         TRY(hub_.db().query("SELECT hash, sha256 FROM xet_files WHERE used_ms < $1", {oldest_ms_}))) {
      if (named_.count(row[1].text()) != 0) continue;
      gone_files_.insert(row[0].text());
      ++report_.forms;
      if (dry_run_) continue;
      TRY(hub_.db().execute("DELETE FROM xet_files WHERE hash = $1 AND used_ms < $2", {row[0], oldest_ms_}));
    }
    return {};
  }

  // Does a file that stays have a range of it?
  Result<bool> is_used(const std::string& xorb) {
    for (const auto& row :
         TRY(hub_.db().query("SELECT DISTINCT file_hash FROM xet_terms WHERE xorb_hash = $1", {xorb})))
      if (gone_files_.count(row[0].text()) == 0) return true;
    return false;
  }

  Status remove_xorbs(const std::map<std::string, uint64_t>& xorbs, const std::map<std::string, uint64_t>& tables) {
    std::set<std::string> rows;
    for (const auto& row : TRY(hub_.db().query("SELECT hash, used_ms, source_sha256 FROM xet_xorbs ORDER BY hash"))) {
      const auto& hash = row[0].text();
      rows.insert(hash);
      if (row[1].integer() >= oldest_ms_ || TRY(is_used(hash))) {
        if (!row[2].text().empty()) sources_.insert(row[2].text());
        continue;
      }
      const auto object = xorbs.find(hash);
      TRY(remove_xorb(hash, object == xorbs.end() ? 0 : object->second));
    }
    // Objects that a crash left without a row.
    for (const auto& [hash, size] : xorbs)
      if (rows.count(hash) == 0) TRY(remove_xorb(hash, size));
    for (const auto& [hash, size] : tables)
      if (rows.count(hash) == 0 && !dry_run_) TRY(hub_.blobs().remove(store::ObjectName("xorbtables", hash)));
    return {};
  }

  Status remove_xorb(const std::string& hash, uint64_t size) {
    if (!dry_run_) {
      auto transaction = TRY(hub_.db().begin());
      // Under the write lock: an upload or a shard that names it has made it young, or comes after and stores it anew.
      const auto row = TRY(transaction.query_one(
          "SELECT 1 FROM xet_xorbs WHERE hash = $1 AND (used_ms >= $2 OR EXISTS (SELECT 1 FROM xet_terms WHERE "
          "xorb_hash = $1))",
          {hash, oldest_ms_}));
      if (row) return {};
      TRY(transaction.execute("DELETE FROM xet_xorbs WHERE hash = $1", {hash}));
      TRY(hub_.blobs().remove(store::ObjectName::xorb(hash)));
      TRY(hub_.blobs().remove(store::ObjectName("xorbtables", hash)));
      TRY(transaction.commit());
    }
    ++report_.xorbs;
    report_.xorb_bytes += size;
    return {};
  }

  Status remove_files(const std::map<std::string, uint64_t>& files) {
    std::set<std::string> still_old;
    TRY(hub_.blobs().list("sha256", [&](const store::ObjectInfo& object) {
      if (object.modified_ms < oldest_ms_) still_old.emplace(object.name.hash());
      return Status();
    }));
    for (const auto& [sha256, size] : files) {
      if (named_.count(sha256) != 0 || sources_.count(sha256) != 0 || still_old.count(sha256) == 0) continue;
      if (!dry_run_) {
        TRY(hub_.db().execute(
            "DELETE FROM repo_objects WHERE sha256 = $1 AND NOT EXISTS (SELECT 1 FROM xet_files WHERE "
            "xet_files.sha256 = $1)",
            {sha256}));
        TRY(hub_.blobs().remove(store::ObjectName(sha256)));
      }
      ++report_.files;
      report_.file_bytes += size;
    }
    return {};
  }

  const Hub& hub_;
  const bool dry_run_;
  const int64_t oldest_ms_;
  int64_t total_ = 0;
  std::set<std::string> named_, gone_files_, sources_;
  GarbageReport report_;
};

}  // namespace

Json GarbageReport::json() const {
  return Json::Object{{"files", files},          {"fileBytes", file_bytes}, {"xorbs", xorbs},
                      {"xorbBytes", xorb_bytes}, {"xetForms", forms},       {"kept", kept}};
}

Result<GarbageReport> collect_garbage(const Hub& hub, const GarbageOptions& options) {
  const auto lock = TRY(lock_collection(hub));
  return Collection(hub, options).run();
}

}  // namespace hearth::hub
