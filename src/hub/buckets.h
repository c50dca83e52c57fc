// Buckets: files by name on the Xet store, without git, revisions or commits. A bucket is a repository row of the kind
// `bucket`: ownership, visibility, moves and tokens are those of every repository.
//
// 1. A row of a file names content that is stored and linked to the bucket; writing it again replaces the row.
// 2. A batch is not one transaction to its sender: what can be done is done, what fails is listed by path.
// 3. Content that no file of the bucket names after a batch is the bucket's no more; the collector (hub/gc.h) takes it
//    when nobody else names it.
// 4. Each change of a file leaves a row for followers, in the order in which it became visible.
// Source: huggingface_hub 2.4.0 HfApi.create_bucket .. batch_bucket_files, _buckets.py, _bucket_live_follow.py.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct BucketFile {
  std::string path;
  std::string xet_hash;
  std::string sha256;
  int64_t size_bytes = 0;
  std::string content_type;
  int64_t mtime_ms = 0;     ///< of the file on its sender's machine
  int64_t uploaded_ms = 0;  ///< when this content came here under this name
};

struct BucketSize {
  int64_t files = 0;
  int64_t size_bytes = 0;
};
Result<BucketSize> bucket_size(const Hub& hub, const Repo& bucket);

struct BucketList {
  std::vector<Repo> buckets;
  int64_t next = 0;  ///< `before` of the next page, 0 on the last
};
/// The owner's buckets that the caller may know of and whose name holds `search` (in any letter case), newest first,
/// of numbers below `before`. not_found when there is no such owner.
Result<BucketList> list_buckets(const Hub& hub, const Caller& caller, std::string_view owner, std::string_view search,
                                int64_t before, int64_t limit);

/// A file, or a folder that holds some.
struct BucketEntry {
  bool is_folder = false;
  BucketFile file;  ///< of a folder: its path, and the time of its first file
};
struct BucketPage {
  std::vector<BucketEntry> entries;
  std::string next;  ///< cursor of the next page, empty on the last
};
/// What begins with `prefix`, by name; `prefix` is compared as text ("logs" finds "logs.json"). Recursive: files alone.
/// Otherwise the files and folders right below the prefix.
Result<BucketPage> list_bucket(const Hub& hub, const Repo& bucket, std::string_view prefix, bool recursive,
                               std::string_view cursor, int64_t limit);
/// Those of the paths that are files.
Result<std::vector<BucketFile>> bucket_files(const Hub& hub, const Repo& bucket, std::span<const std::string> paths);
/// entry_not_found unless it is there.
Result<BucketFile> bucket_file(const Hub& hub, const Repo& bucket, std::string_view path);

struct AddBucketFile {
  std::string path, xet_hash, content_type;
  int64_t mtime_ms = 0;
};
/// From another bucket or repository whose content the caller may read: no bytes move.
struct CopyBucketFile {
  std::string path, xet_hash, content_type;
  int64_t mtime_ms = 0;
  RepoId source;
};
struct DeleteBucketFile {
  std::string path;
};
using BucketOperation = std::variant<AddBucketFile, CopyBucketFile, DeleteBucketFile>;

struct BucketFailure {
  std::string path;
  std::string error;
};
/// Does what can be done, in order, in one go; the rest is listed. forbidden, with nothing done, beyond the owner's
/// quota.
Result<std::vector<BucketFailure>> change_bucket(Hub& hub, const Repo& bucket, const Caller& caller,
                                                 std::span<const BucketOperation> operations);

struct BucketChange {
  int64_t id = 0;
  std::string op;  ///< add, update, delete
  BucketFile file;
};
/// Those after number `id`, oldest first.
Result<std::vector<BucketChange>> bucket_changes(const Hub& hub, const Repo& bucket, int64_t id, int64_t limit);
/// The newest change's number, 0 before the first.
Result<int64_t> bucket_newest_change(const Hub& hub, const Repo& bucket);
/// The number before the first change at or after a time.
Result<int64_t> bucket_change_before(const Hub& hub, const Repo& bucket, int64_t at_ms);
/// Removes changes older than `before_ms`.
Status forget_bucket_changes(store::Db& db, int64_t before_ms);

}  // namespace hearth::hub
