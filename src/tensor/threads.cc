#include "tensor/threads.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <stdexcept>
#include <thread>
#include <vector>

namespace hearth {
namespace {

// About 50 us of waiting before a helper sleeps: longer than the serial steps between two loops of one token.
constexpr int kSpins = 2000;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

int cores_usable() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

thread_local const void* pool_inside = nullptr;  // the pool whose piece this thread is running

}  // namespace

struct ThreadPool::State {
  struct alignas(64) Word {
    std::atomic<uint32_t> value{0};
  };
  Word word;    // even: closed; odd: a loop is open
  Word inside;  // helpers that are, or are about to look whether they are, in a loop
  struct alignas(64) {
    std::atomic<int64_t> next{0};  // first item not yet claimed
  } claim;
  alignas(64) std::atomic_flag busy;  // a caller is inside `run`
  std::atomic<bool> stopping{false};

  // The open loop: written by the caller while the word is closed and `inside` was seen 0.
  Piece piece = nullptr;
  void* fn = nullptr;
  int64_t count = 0, grain = 1;
  std::atomic<bool> failed{false};
  std::exception_ptr failure;

  std::vector<std::thread> helpers;

  void work() {
    const void* const outer = std::exchange(pool_inside, this);
    for (;;) {
      const int64_t begin = claim.next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= count || failed.load(std::memory_order_relaxed)) break;
      try {
        piece(fn, begin, std::min(begin + grain, count));
      } catch (...) {
        if (!failed.exchange(true)) failure = std::current_exception();
      }
    }
    pool_inside = outer;
  }

  void help() {
    uint32_t seen = 0;
    for (;;) {
      uint32_t now = word.value.load(std::memory_order_acquire);
      for (int spin = 0; now == seen && spin < kSpins; ++spin) {
        pause();
        now = word.value.load(std::memory_order_acquire);
      }
      if (now == seen) {
        if (stopping.load()) return;  // the last step of the word may have been seen while leaving a loop
        word.value.wait(seen);
        continue;
      }
      seen = now;
      if (now % 2 == 0) {
        if (stopping.load()) return;
        continue;
      }
      inside.value.fetch_add(1);
      now = word.value.load();
      if (now % 2 == 1) work();
      seen = now;
      if (inside.value.fetch_sub(1) == 1) inside.value.notify_one();
    }
  }

  void wait_for_helpers() {
    for (int spin = 0;; ++spin) {
      const uint32_t left = inside.value.load();
      if (left == 0) return;
      if (spin < kSpins)
        pause();
      else
        inside.value.wait(left);  // a helper lost its core in the middle of a piece
    }
  }
};

ThreadPool::ThreadPool(int threads) : threads_(std::clamp(threads > 0 ? threads : cores_usable(), 1, 64)) {
  state_ = std::make_unique<State>();
  for (int i = 1; i < threads_; ++i) state_->helpers.emplace_back([state = state_.get()] { state->help(); });
}

ThreadPool::~ThreadPool() {
  state_->stopping.store(true);
  state_->word.value.fetch_add(2);
  state_->word.value.notify_all();
  for (auto& helper : state_->helpers) helper.join();
}

void ThreadPool::run(int64_t count, int64_t grain, Piece piece, void* fn) {
  if (count <= 0) return;
  State& s = *state_;
  if (pool_inside == &s) throw std::logic_error("ThreadPool: parallel_for inside a piece of the same pool's loop");
  grain = std::max<int64_t>(grain, 1);
  if (s.helpers.empty() || count <= grain || s.busy.test_and_set()) {
    const void* const outer = std::exchange(pool_inside, &s);
    struct Restore {
      const void* outer;
      ~Restore() { pool_inside = outer; }
    } restore{outer};
    for (int64_t begin = 0; begin < count; begin += grain) piece(fn, begin, std::min(begin + grain, count));
    return;
  }
  s.piece = piece;
  s.fn = fn;
  s.count = count;
  s.grain = grain;
  s.claim.next.store(0, std::memory_order_relaxed);
  s.failed.store(false, std::memory_order_relaxed);
  s.word.value.fetch_add(1);
  s.word.value.notify_all();
  s.work();
  s.word.value.fetch_add(1);
  s.wait_for_helpers();
  const std::exception_ptr failure = std::exchange(s.failure, nullptr);
  s.busy.clear();
  if (failure) std::rethrow_exception(failure);
}

ThreadPool& ThreadPool::shared() {
  static ThreadPool pool;
  return pool;
}

}  // namespace hearth
