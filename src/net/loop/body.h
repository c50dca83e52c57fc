// What a request's body passes on its way in: gzip undone, then memory or a file that is hashed as it grows.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/hash.h"
#include "net/http.h"

namespace hearth::net {

/// Undoes `Content-Encoding: gzip` (RFC 1952; several members may follow one another).
class Inflater {
 public:
  Inflater();
  ~Inflater();
  /// Takes compressed bytes; hand out what they hold with `next`.
  void feed(std::string_view bytes);
  /// A piece of at most 64 KB, empty when more input is needed. The view lasts until the next call.
  Result<std::string_view> next();
  /// Ok when the input ended where a member ends.
  Status finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A temporary file that receives a body. What was written is removed unless it is finished.
class Spool {
 public:
  static Result<Spool> create(const std::string& folder, bool hashed = true);
  Spool(Spool&& other) noexcept = default;
  Spool& operator=(Spool&&) = delete;
  ~Spool();
  /// no_space when the disk is full.
  Status write(std::string_view bytes);
  Result<SpooledFile> finish();

 private:
  Spool(std::string path, Fd fd, bool hashed) : path_(std::move(path)), fd_(std::move(fd)), hashed_(hashed) {}
  std::string path_;
  Fd fd_;
  bool hashed_;
  Hasher hasher_{HashKind::sha256};
  uint64_t size_bytes_ = 0;
};

}  // namespace hearth::net
