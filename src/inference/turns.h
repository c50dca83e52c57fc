// Turns: those that compute, one after another: each pass takes all cores.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>

#include "base/result.h"

namespace hearth::inference {

/// Thread-safe.
class Turns {
 public:
  /// Waits for the turn, which lasts as long as what is returned; cancelled when the stop comes before that.
  Result<std::shared_ptr<void>> take(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (!free_.wait(lock, stop, [&] { return !taken_; })) return Status(Code::cancelled, "the client left");
    taken_ = true;
    return std::shared_ptr<void>(nullptr, [this](void*) {
      std::lock_guard again(mutex_);
      taken_ = false;
      free_.notify_one();
    });
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any free_;
  bool taken_ = false;
};

}  // namespace hearth::inference
