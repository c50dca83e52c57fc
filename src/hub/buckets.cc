#include "hub/buckets.h"

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"
#include "hub/content.h"
#include "hub/events.h"
#include "hub/owners.h"
#include "hub/rows.h"
#include "hub/xet.h"

namespace hearth::hub {
namespace {

constexpr std::string_view kColumns = "path, xet_hash, sha256, size_bytes, content_type, mtime_ms, uploaded_ms";
constexpr std::string_view kPastAnyName = "\xf4\x8f\xbf\xbf";  // U+10FFFF: after every character of a name
constexpr int64_t kBatch = 500;
constexpr std::string_view kEmptyXet = "0000000000000000000000000000000000000000000000000000000000000000";

BucketFile file_of(const store::Row& row) {
  return {.path = row[0].text(),
          .xet_hash = row[1].text(),
          .sha256 = row[2].text(),
          .size_bytes = row[3].integer(),
          .content_type = row[4].text(),
          .mtime_ms = row[5].integer(),
          .uploaded_ms = row[6].integer()};
}

/// The folder right below `prefix` that holds the path; empty when the path itself is right below.
/// "logs" + "logs/a/b" is "logs/a"; "logs" + "logs_old/x" is "logs_old".
std::string_view folder_below(std::string_view path, std::string_view prefix) {
  size_t from = prefix.size();
  if (from < path.size() && path[from] == '/') ++from;
  const auto slash = path.find('/', from);
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

/// One batch of operations, each checked and written by itself.
class Changes {
 public:
  Changes(Hub& hub, const Repo& bucket, const Caller& caller, store::Transaction& transaction)
      : hub_(hub), bucket_(bucket), caller_(caller), transaction_(transaction) {}

  Status apply(const AddBucketFile& add) {
    auto file = add.xet_hash == kEmptyXet ? empty_file() : TRY(stored(add.xet_hash, bucket_));
    return put(add.path, std::move(file), add.content_type, add.mtime_ms);
  }
  Status apply(const CopyBucketFile& copy) {
    const auto source = TRY(hub_.repo(copy.source));
    TRY(check_access(caller_, source, Right::content));
    auto file = TRY(stored(copy.xet_hash, source));
    // Young again, for a collection that has read the names already (hub/gc.h).
    TRY(transaction_.execute("UPDATE xet_files SET used_ms = $2 WHERE sha256 = $1", {file.sha256, now_ms()}));
    if (auto touched = hub_.blobs().touch(file.sha256); !touched.ok() && touched.code() != Code::not_found)
      return touched;
    return put(copy.path, std::move(file), copy.content_type, copy.mtime_ms);
  }
  Status apply(const DeleteBucketFile& gone) {
    if (!TRY(drop_former(gone.path))) return Status(Code::entry_not_found, cat("there is no file '", gone.path, "'"));
    TRY(transaction_.execute("DELETE FROM bucket_files WHERE repo_id = $1 AND path = $2", {bucket_.id, gone.path}));
    return note({.path = gone.path}, "delete");
  }

  // Once all is done, so that a batch may move content from one name to another.
  Status finish() {
    for (const auto& sha256 : dropped_)
      TRY(
          transaction_.execute("DELETE FROM repo_objects WHERE repo_id = $1 AND sha256 = $2 AND NOT EXISTS (SELECT 1 "
                               "FROM bucket_files WHERE bucket_files.repo_id = $1 AND bucket_files.sha256 = $2)",
                               {bucket_.id, sha256}));
    if (growth_ > 0) TRY(check_quota(hub_, bucket_, static_cast<uint64_t>(growth_)));
    return {};
  }

 private:
  /// The content of a Xet hash that the holder's readers may read.
  Result<BucketFile> stored(const std::string& xet_hash, const Repo& holder) {
    const auto unknown = [&] {
      return Status(Code::not_found, cat("there is no content ", xet_hash.substr(0, 80), " in ", kind_name(holder.kind),
                                         " ", holder.full_name(), ": upload it first"));
    };
    if (xet_hash == kEmptyXet) {
      if (!TRY(transaction_.query_one("SELECT 1 FROM bucket_files WHERE repo_id = $1 AND xet_hash = $2",
                                      {holder.id, xet_hash})))
        return unknown();
      return empty_file();
    }
    const auto file = TRY(xet_file(hub_, xet_hash));
    if (!file || !TRY(is_linked(hub_, holder, file->sha256))) return unknown();
    return BucketFile{
        .xet_hash = file->hash, .sha256 = file->sha256, .size_bytes = static_cast<int64_t>(file->size_bytes)};
  }
  static BucketFile empty_file() { return {.xet_hash = std::string(kEmptyXet), .sha256 = to_hex(sha256(""))}; }

  // Is there a file of that name? Its content is not named by it any more.
  Result<bool> drop_former(const std::string& path) {
    const auto row = TRY(transaction_.query_one(
        "SELECT sha256, size_bytes FROM bucket_files WHERE repo_id = $1 AND path = $2", {bucket_.id, path}));
    if (!row) return false;
    dropped_.insert((*row)[0].text());
    growth_ -= (*row)[1].integer();
    return true;
  }

  Status put(const std::string& path, BucketFile file, const std::string& content_type, int64_t mtime_ms) {
    file.path = TRY(check_path(path));
    file.content_type = content_type;
    file.mtime_ms = mtime_ms;
    file.uploaded_ms = now_ms();
    const bool before = TRY(drop_former(file.path));
    growth_ += file.size_bytes;
    TRY(transaction_.execute(
        "INSERT INTO bucket_files (repo_id, path, xet_hash, sha256, size_bytes, content_type, mtime_ms, uploaded_ms) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (repo_id, path) DO UPDATE SET xet_hash = "
        "excluded.xet_hash, sha256 = excluded.sha256, size_bytes = excluded.size_bytes, content_type = "
        "excluded.content_type, mtime_ms = excluded.mtime_ms, uploaded_ms = excluded.uploaded_ms",
        {bucket_.id, file.path, file.xet_hash, file.sha256, file.size_bytes, file.content_type, file.mtime_ms,
         file.uploaded_ms}));
    if (file.size_bytes > 0)
      TRY(transaction_.execute("INSERT INTO repo_objects (sha256, repo_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                               {file.sha256, bucket_.id}));
    return note(file, before ? "update" : "add");
  }

  Status note(const BucketFile& file, std::string_view op) {
    TRY(transaction_.execute(
        "INSERT INTO bucket_changes (at_ms, repo_id, path, op, xet_hash, size_bytes, mtime_ms) VALUES ($1, $2, $3, $4, "
        "$5, $6, $7)",
        {now_ms(), bucket_.id, file.path, op, file.xet_hash, file.size_bytes, file.mtime_ms}));
    return {};
  }

  Hub& hub_;
  const Repo& bucket_;
  const Caller& caller_;
  store::Transaction& transaction_;
  std::set<std::string> dropped_;  ///< contents that had a name
  int64_t growth_ = 0;             ///< of the files' sizes
};

}  // namespace

Result<BucketSize> bucket_size(const Hub& hub, const Repo& bucket) {
  const auto row = TRY(hub.db().query_one(
      "SELECT count(*), coalesce(sum(size_bytes), 0) FROM bucket_files WHERE repo_id = $1", {bucket.id}));
  return BucketSize{(*row)[0].integer(), (*row)[1].integer()};
}

Result<BucketList> list_buckets(const Hub& hub, const Caller& caller, std::string_view owner, std::string_view search,
                                int64_t before, int64_t limit) {
  const auto holder = TRY(hub.db().query_one("SELECT id FROM owners WHERE name = $1", {owner}));
  if (!holder) return Status(Code::not_found, cat("there is no user or organisation '", owner.substr(0, 100), "'"));
  BucketList out;
  const auto wanted = to_lower_ascii(search);
  for (;;) {
    const auto rows = TRY(hub.db().query(
        cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners,
            " WHERE repos.owner_id = $1 AND repos.kind = 'bucket' AND repos.id < $2 ORDER BY repos.id DESC LIMIT $3"),
        {(*holder)[0], before, kBatch}));
    for (const auto& row : rows) {
      auto bucket = repo_of(row);
      if (static_cast<int64_t>(out.buckets.size()) == limit) {
        out.next = before;
        return out;
      }
      before = bucket.id;
      if (!contains(to_lower_ascii(bucket.name), wanted) || !check_access(caller, bucket, Right::metadata).ok())
        continue;
      out.buckets.push_back(std::move(bucket));
    }
    if (static_cast<int64_t>(rows.size()) < kBatch) return out;
  }
}

Result<BucketPage> list_bucket(const Hub& hub, const Repo& bucket, std::string_view prefix, bool recursive,
                               std::string_view cursor, int64_t limit) {
  BucketPage out;
  const auto end = cat(prefix, kPastAnyName);
  std::string from = std::max(std::string(prefix), std::string(cursor));
  for (;;) {
    const auto rows = TRY(
        hub.db().query(cat("SELECT ", kColumns,
                           " FROM bucket_files WHERE repo_id = $1 AND path >= $2 AND path < $3 ORDER BY path LIMIT $4"),
                       {bucket.id, from, end, kBatch}));
    for (const auto& row : rows) {
      auto file = file_of(row);
      if (file.path < from) continue;  // inside a folder that is listed already
      if (static_cast<int64_t>(out.entries.size()) == limit) {
        out.next = from;
        return out;
      }
      const auto folder = recursive ? std::string_view() : folder_below(file.path, prefix);
      if (folder.empty()) {
        from = file.path + '\x01';  // the next name in order that a path may have
        out.entries.push_back({.is_folder = false, .file = std::move(file)});
      } else {
        from = cat(folder, "0");  // '0' follows '/': past everything in the folder
        out.entries.push_back(
            {.is_folder = true, .file = {.path = std::string(folder), .uploaded_ms = file.uploaded_ms}});
      }
    }
    if (static_cast<int64_t>(rows.size()) < kBatch) return out;
  }
}

Result<std::vector<BucketFile>> bucket_files(const Hub& hub, const Repo& bucket, std::span<const std::string> paths) {
  std::vector<BucketFile> out;
  for (const auto& path : paths)
    if (const auto row = TRY(hub.db().query_one(
            cat("SELECT ", kColumns, " FROM bucket_files WHERE repo_id = $1 AND path = $2"), {bucket.id, path})))
      out.push_back(file_of(*row));
  return out;
}

Result<BucketFile> bucket_file(const Hub& hub, const Repo& bucket, std::string_view path) {
  const auto found = TRY(bucket_files(hub, bucket, std::vector{std::string(path)}));
  if (found.empty())
    return Status(Code::entry_not_found, cat("there is no file '", path, "' in the bucket ", bucket.full_name()));
  return found[0];
}

Result<std::vector<BucketFailure>> change_bucket(Hub& hub, const Repo& bucket, const Caller& caller,
                                                 std::span<const BucketOperation> operations) {
  std::vector<BucketFailure> failed;
  auto transaction = TRY(hub.db().begin());
  Changes changes(hub, bucket, caller, transaction);
  for (const auto& operation : operations) {
    const auto status = std::visit([&](const auto& one) { return changes.apply(one); }, operation);
    if (status.ok()) continue;
    // The database's own failures end the batch; what is wrong with one operation is that operation's.
    if (code_row(status.code()).http_status >= 500) return status.clone();
    failed.push_back({std::visit([](const auto& one) { return one.path; }, operation), std::string(status.message())});
  }
  if (failed.size() == operations.size()) return failed;
  TRY(changes.finish());
  TRY(transaction.execute("UPDATE repos SET modified_ms = $2 WHERE id = $1", {bucket.id, now_ms()}));
  TRY(record_event(transaction, {.kind = "repo.content",
                                 .repo_id = bucket.id,
                                 .actor = std::string(caller.name()),
                                 .data = Json::Object{{"updatedRefs", Json::Array()}}}));
  TRY(transaction.commit());
  return failed;
}

Result<std::vector<BucketChange>> bucket_changes(const Hub& hub, const Repo& bucket, int64_t id, int64_t limit) {
  std::vector<BucketChange> out;
  for (const auto& row : TRY(hub.db().query(
           "SELECT id, op, path, xet_hash, size_bytes, mtime_ms, at_ms FROM bucket_changes WHERE repo_id = $1 AND id > "
           "$2 ORDER BY id LIMIT $3",
           {bucket.id, id, limit})))
    out.push_back({.id = row[0].integer(),
                   .op = row[1].text(),
                   .file = {.path = row[2].text(),
                            .xet_hash = row[3].text(),
                            .size_bytes = row[4].integer(),
                            .mtime_ms = row[5].integer(),
                            .uploaded_ms = row[6].integer()}});
  return out;
}

Result<int64_t> bucket_newest_change(const Hub& hub, const Repo& bucket) {
  const auto row =
      TRY(hub.db().query_one("SELECT coalesce(max(id), 0) FROM bucket_changes WHERE repo_id = $1", {bucket.id}));
  return (*row)[0].integer();
}

Result<int64_t> bucket_change_before(const Hub& hub, const Repo& bucket, int64_t at_ms) {
  const auto row = TRY(hub.db().query_one(
      "SELECT coalesce(max(id), 0) FROM bucket_changes WHERE repo_id = $1 AND at_ms < $2", {bucket.id, at_ms}));
  return (*row)[0].integer();
}

Status forget_bucket_changes(store::Db& db, int64_t before_ms) {
  TRY(db.execute("DELETE FROM bucket_changes WHERE at_ms < $1", {before_ms}));
  return {};
}

}  // namespace hearth::hub
