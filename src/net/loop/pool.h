// The fixed pool that runs handlers: a bounded queue before it, so that a full hub says so at once.
#pragma once

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "base/guarded.h"

namespace hearth::net {

class Pool {
 public:
  Pool(int threads, size_t max_queued) : queue_(max_queued) {
    for (int i = 0; i < threads; ++i)
      threads_.emplace_back([this](std::stop_token stop) {
        while (auto job = queue_.pop(stop)) {
          ++running_;
          (*job)();
          --running_;
        }
      });
  }
  /// False when the queue is full.
  bool run(std::function<void()> job) { return queue_.push(std::move(job)); }
  size_t waiting() const { return queue_.size(); }
  size_t running() const { return running_; }

 private:
  std::atomic<size_t> running_{0};
  BoundedQueue<std::function<void()>> queue_;
  std::vector<std::jthread> threads_;  // last: joined before the queue goes
};

}  // namespace hearth::net
