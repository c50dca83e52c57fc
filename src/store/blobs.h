// Big files by content: each stored once under its SHA-256, whatever repositories point at it.
//
// 1. A file under its final name is complete, has the named hash and is on the disk; it never changes.
// 2. Bytes arrive in `incoming/` on the same file system and get their final name by rename, after fsync.
// 3. What a crash leaves in `incoming/` belongs to nobody and is removed at the next start.
//
//   objects/sha256/ab/cd/abcd...   whole files
//   objects/incoming/              being received
// Other representations of the same content (chunks and the recipes that join them) get folders beside `sha256/`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"

namespace hearth::store {

/// The content-addressed store. Thread-safe, and safe between processes.
class Blobs {
 public:
  /// Opens or creates the store in `folder`.
  static Result<Blobs> open(std::string folder);

  /// Where to write a file that will be adopted.
  const std::string& incoming() const { return incoming_; }
  /// Takes a finished file of `incoming()` whose hash and size the caller has computed; the file is gone afterwards.
  /// Content already present is kept and the new copy removed.
  Status adopt(const std::string& temporary, std::string_view sha256, uint64_t size_bytes) const;
  /// Stores bytes and returns their SHA-256 in hexadecimal.
  Result<std::string> put(std::string_view bytes) const;

  bool has(std::string_view sha256) const;
  /// not_found when absent.
  Result<uint64_t> size(std::string_view sha256) const;
  Result<Fd> open_read(std::string_view sha256) const;
  /// Where the content lies or would lie. `sha256` must be 64 lower-case hexadecimal digits.
  std::string path(std::string_view sha256) const;
  /// Removes leftovers of `incoming/` that nobody has written to for `age_s` seconds.
  Status remove_leftovers(int64_t age_s) const;

 private:
  explicit Blobs(std::string folder);
  std::string folder_, incoming_;
};

/// True for 64 lower-case hexadecimal digits.
bool is_sha256(std::string_view text);

}  // namespace hearth::store
