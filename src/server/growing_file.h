// A file that arrives while it is read: one thread receives and hashes it, any number of readers follow from any
// offset.
//
// 1. Readers see only bytes that were received; what they were given is complete only when the hash was right, else
//    their bodies end aborted.
// 2. The receiving goes on when the readers have left: the next one finds the file stored.
// 3. Threads are the Pool's, bounded; when all are taken a reader is told so (busy).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "net/http.h"

namespace hearth::server {

/// Threads for transfers that wait for another hub; joined at the end.
class TransferThreads {
 public:
  explicit TransferThreads(size_t limit);
  ~TransferThreads();
  /// False when all are at work.
  bool run(std::function<void(std::stop_token)> job);

 private:
  struct Task;
  const size_t limit_;
  struct Tasks;
  std::unique_ptr<Tasks> tasks_;
};

class GrowingFile : public std::enable_shared_from_this<GrowingFile> {
 public:
  /// `path` is made by `receive`'s first write.
  GrowingFile(std::string path, std::string sha256, uint64_t size_bytes, TransferThreads& threads);
  ~GrowingFile();

  /// Opens the file for writing.
  Status begin();
  /// Adds bytes; too_large over the announced size.
  Status append(std::string_view bytes);
  uint64_t received() const;
  /// All has come: checks size and hash. The readers end well only if this is ok.
  Status finish();
  /// Whoever waits is told. `finish`'s or the transfer's status.
  void close(const Status& status);

  /// A body of these bytes, as they come. busy when there is no thread for it.
  Result<std::shared_ptr<net::StreamWriter>> read(uint64_t begin, uint64_t length);
  /// Waits until it was closed.
  Status wait(const std::stop_token& stop);

  const std::string& path() const { return path_; }
  const std::string& sha256() const { return sha256_; }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  struct State;
  const std::string path_, sha256_;
  const uint64_t size_bytes_;
  TransferThreads& threads_;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::server
