// What a request's body passes on its way in: gzip undone, then memory or a file that is hashed as it grows.
#pragma once

#include <cstdlib>
#include <memory>
#include <span>
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

/// A temporary file that receives a body through two buffers: one is filled and hashed while the other is written. What
/// was written is removed unless it is finished.
///
/// 1. `room` and `took` are the filling side's, `write` the writing side's, which may be another thread. The sides meet
///    in `turn` and `finish`, called by the first while the second rests.
/// 2. With `direct` a body of more than one buffer goes past the page cache where the disk can (O_DIRECT): no copy, no
///    pages to find, and the sync at the end has little left to write. Its end that fills no block goes the usual way.
class Spool {
 public:
  static constexpr size_t kBuffer = 2 << 20;
  struct Options {
    bool hashed = true;
    bool direct = false;
    std::shared_ptr<BodyObserver> observer = {};  ///< on the writing side
  };

  static Result<Spool> create(const std::string& folder, Options options);
  Spool(Spool&& other) noexcept = default;
  Spool& operator=(Spool&&) = delete;
  ~Spool();

  /// Where the next bytes belong; empty when the buffer is full.
  std::span<char> room();
  /// The body goes on with these bytes. They lie in `room()`, or are copied there; what finds no room is left.
  void took(std::string_view& bytes);
  /// What was filled is now to be written: so many bytes.
  size_t turn();
  /// no_space when the disk is full; what the observer says against it.
  Status write();
  Result<SpooledFile> finish();

 private:
  struct Free {
    void operator()(char* buffer) const { std::free(buffer); }
  };

  Spool(std::string path, Fd fd, Options options) : path_(std::move(path)), fd_(std::move(fd)), options_(options) {}
  void set_direct(bool on);

  std::string path_;
  Fd fd_;
  Options options_;
  std::unique_ptr<char, Free> filling_, writing_;
  size_t filled_ = 0, to_write_ = 0;
  bool is_direct_ = false;
  Hasher hasher_{HashKind::sha256};
  uint64_t size_bytes_ = 0;
};

}  // namespace hearth::net
