// WaitingLine: jobs that have not begun. Clients take turns, so that one with a hundred jobs holds up nobody else's.
#pragma once

#include <condition_variable>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace hearth::inference {

/// Any thread. T has `client`, a name.
template <class T>
class WaitingLine {
 public:
  explicit WaitingLine(size_t limit) : limit_(limit) {}

  /// False when the line is full or closed; the job is then untouched.
  bool push(T&& job) {
    {
      std::lock_guard lock(mutex_);
      if (closed_ || count_ >= limit_) return false;
      auto& jobs = of_[job.client];
      if (jobs.empty()) turns_.push_back(job.client);
      jobs.push_back(std::move(job));
      ++count_;
    }
    ready_.notify_one();
    return true;
  }
  /// The next one; waits for it. Nothing after the stop.
  std::optional<T> pop(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, stop, [&] { return closed_ || count_ > 0; });
    return take();
  }
  /// The next one, if there is any now.
  std::optional<T> try_pop() {
    std::lock_guard lock(mutex_);
    return take();
  }
  /// Takes those out for whom `leaves` is true.
  template <class F>
  std::vector<T> take_if(F&& leaves) {
    std::vector<T> out;
    std::lock_guard lock(mutex_);
    for (auto& [client, jobs] : of_) {
      std::erase_if(jobs, [&](T& job) {
        if (!leaves(std::as_const(job))) return false;
        out.push_back(std::move(job));
        return true;
      });
    }
    count_ -= out.size();
    std::erase_if(turns_, [&](const std::string& client) { return of_[client].empty(); });
    std::erase_if(of_, [](const auto& entry) { return entry.second.empty(); });
    return out;
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
    return count_;
  }

 private:
  std::optional<T> take() {
    if (turns_.empty()) return std::nullopt;
    const auto entry = of_.find(turns_.front());
    turns_.pop_front();
    auto& jobs = entry->second;
    std::optional<T> out(std::move(jobs.front()));
    jobs.pop_front();
    --count_;
    if (jobs.empty())
      of_.erase(entry);
    else
      turns_.push_back(entry->first);
    return out;
  }

  const size_t limit_;
  mutable std::mutex mutex_;
  std::condition_variable_any ready_;
  std::map<std::string, std::deque<T>> of_;
  std::deque<std::string> turns_;  // clients with jobs; the first is next
  size_t count_ = 0;
  bool closed_ = false;
};

}  // namespace hearth::inference
