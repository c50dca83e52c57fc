// Big objects by content: each stored once under the hash of what it holds, whatever points at it. One narrow
// interface; a local folder (the default) or an S3-compatible store stands behind it.
//
// 1. An object under its name is complete, was checked against that name by whoever stored it, and is durable; it never
//    changes. So two who store the same object at once do no harm, and what a reader found stays good.
// 2. Bytes arrive as files of `incoming()`, a local folder, and become an object in one step (`adopt`).
// 3. What a crash leaves in `incoming()` belongs to nobody; `remove_leftovers` takes it when it is old.
// 4. An object's age begins anew when somebody stores it again or calls `touch`: a collector that spares young objects
//    spares those that were promised a moment ago.
//
// Names: `sha256/<64 hex>` is a whole file under its SHA-256, `xorbs/<64 hex>` a Xet xorb under its Merkle hash, and so
// on, one word a kind of representation. On disk: objects/sha256/ab/cd/abcd...; in S3: PREFIX/sha256/abcd...
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/files.h"
#include "base/piece.h"
#include "base/result.h"

namespace hearth::store {

/// True for 64 lower-case hexadecimal digits.
bool is_sha256(std::string_view text);

/// `kind/hash`. A bare hash is that of a whole file. The hash must be 64 lower-case hexadecimal digits: text from
/// outside is checked (`is_sha256`) before it becomes a name.
class ObjectName {
 public:
  template <class S>
  requires(std::is_convertible_v<const S&, std::string_view>)
      ObjectName(const S& sha256)  // NOLINT(google-explicit-constructor): every whole file is named so
      : ObjectName("sha256", std::string_view(sha256)) {}
  ObjectName(std::string_view kind, std::string_view hash);
  static ObjectName xorb(std::string_view hash) { return {"xorbs", hash}; }
  /// Nothing when the text is no name.
  static std::optional<ObjectName> parse(std::string_view text);

  const std::string& text() const { return text_; }  ///< "sha256/ab12..."
  std::string_view kind() const { return std::string_view(text_).substr(0, text_.size() - 65); }
  std::string_view hash() const { return std::string_view(text_).substr(text_.size() - 64); }
  auto operator<=>(const ObjectName&) const = default;

 private:
  std::string text_;
};

struct ObjectInfo {
  ObjectName name;
  uint64_t size_bytes = 0;
  int64_t modified_ms = 0;  ///< stored or touched
};

/// What a presigned address makes the store say beside the bytes; empty: the store's own.
struct PresignOptions {
  int64_t lifetime_s = 3600;
  std::string content_type = {}, content_disposition = {};
};

/// Bytes of an object in a file of this machine, from `offset` on.
struct LocalPart {
  std::string path;
  uint64_t offset = 0;
};

/// The object store. Thread-safe, and safe between processes and machines.
class Blobs {
 public:
  virtual ~Blobs() = default;

  /// The local folder where files to be adopted are written.
  const std::string& incoming() const { return incoming_; }
  /// Takes a finished file of `incoming()` whose hash and size the caller has checked; the file is gone afterwards,
  /// whatever the outcome. Content already present is kept.
  Status adopt(const std::string& temporary, const ObjectName& name, uint64_t size_bytes) const;
  /// Stores bytes whose hash the caller has checked.
  virtual Status put(const ObjectName& name, std::string_view bytes) const = 0;
  /// Stores a whole file and returns its SHA-256 in hexadecimal.
  Result<std::string> put(std::string_view bytes) const;

  Result<bool> has(const ObjectName& name) const;
  /// not_found when absent.
  virtual Result<uint64_t> size(const ObjectName& name) const = 0;
  /// Up to `length` bytes from `begin`, in memory; fewer only at the object's end. not_found, too_large over 1 GiB.
  Result<std::string> read(const ObjectName& name, uint64_t begin = 0, uint64_t length = UINT64_MAX) const;
  /// The same in pieces; `sink` answers false to end it (Code::cancelled).
  virtual Status stream(const ObjectName& name, uint64_t begin, uint64_t length,
                        const std::function<bool(std::string_view)>& sink) const = 0;
  /// The object as a file of this machine, to map: its place in the store, or a copy fetched now and kept while there
  /// is room. not_found.
  virtual Result<std::string> local_path(const ObjectName& name) const = 0;
  /// The same of `length` bytes from `begin`, which the object has: no more than those are fetched.
  virtual Result<LocalPart> local_part(const ObjectName& name, uint64_t begin, uint64_t length) const = 0;
  /// True when `local_path` costs nothing, so that bytes are best sent from there.
  virtual bool is_local() const = 0;
  /// `length` bytes from `begin`, which the object has, to be sent as they are fetched: some MiB at a time, nothing is
  /// kept. The store outlives it.
  std::unique_ptr<PieceSource> pieces(const ObjectName& name, uint64_t begin, uint64_t length) const;
  /// An address where the bytes can be had without credentials for some time; empty when the store has none to give.
  virtual std::string presigned_url(const ObjectName& name, const PresignOptions& options) const = 0;

  /// Makes the object young again; not_found.
  virtual Status touch(const ObjectName& name) const = 0;
  /// Fine when absent.
  virtual Status remove(const ObjectName& name) const = 0;
  /// Every object of a kind ("sha256", "xorbs"), in no order; a failure of `each` ends it and is returned.
  virtual Status list(std::string_view kind, const std::function<Status(const ObjectInfo&)>& each) const = 0;
  /// Removes what nobody has written to for `age_s` seconds: leftovers of `incoming()`, broken-off uploads, copies.
  virtual Status remove_leftovers(int64_t age_s) const;
  /// For messages: the folder or the address.
  virtual std::string description() const = 0;

 protected:
  explicit Blobs(std::string incoming) : incoming_(std::move(incoming)) {}
  virtual Status take(const std::string& temporary, const ObjectName& name, uint64_t size_bytes) const = 0;

 private:
  std::string incoming_;
};

/// Opens or creates a store: `where` is empty (local files, in `folder`) or `s3://bucket/prefix?endpoint=URL&region=R`
/// with credentials from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; then `folder` holds only what
/// is being received and fetched copies. Query: `endpoint` (none: Amazon's), `region` (none: AWS_REGION, us-east-1),
/// `redirect=off` (presigned addresses are not given out: the store is not reachable for clients), `cache_mb=N`
/// (room for fetched copies, 20480).
Result<std::unique_ptr<Blobs>> open_blobs(std::string folder, std::string_view where = {});

}  // namespace hearth::store
