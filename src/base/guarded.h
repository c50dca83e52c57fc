// Guarded<T>: a value and its mutex together; BoundedQueue<T>: values between threads, never longer than its limit.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace hearth {

/// The value is reached through `with` alone. Never hold it across I/O or a callback into other rooms.
template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}
  template <class F>
  decltype(auto) with(F&& f) {
    std::lock_guard lock(mutex_);
    return std::forward<F>(f)(value_);
  }
  template <class F>
  decltype(auto) with(F&& f) const {
    std::lock_guard lock(mutex_);
    return std::forward<F>(f)(value_);
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

/// Many producers, many consumers. `push` refuses when full; `pop` waits until a value, the stop, or the close.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t limit) : limit_(limit) {}

  /// False when the queue is full or closed; the value is then untouched.
  bool push(T&& value) {
    {
      std::lock_guard lock(mutex_);
      if (closed_ || values_.size() >= limit_) return false;
      values_.push_back(std::move(value));
    }
    ready_.notify_one();
    return true;
  }
  /// Nothing after a stop, or when closed and empty.
  std::optional<T> pop(std::stop_token stop = {}) {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, stop, [&] { return closed_ || !values_.empty(); });
    return take();
  }
  /// Nothing when there is none right now.
  std::optional<T> try_pop() {
    std::lock_guard lock(mutex_);
    return take();
  }
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    ready_.notify_all();
  }
  size_t size() const {
    std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  std::optional<T> take() {
    if (values_.empty()) return std::nullopt;
    std::optional<T> out(std::move(values_.front()));
    values_.pop_front();
    return out;
  }
  const size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable_any ready_;
  std::deque<T> values_;
  bool closed_ = false;
};

}  // namespace hearth
