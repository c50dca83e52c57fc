// ThreadPool: a few threads that share short loops, made for cores that other programs use too.
//
// Invariants:
// 1. A loop is cut into tiles that threads claim one at a time, so a slow thread holds up one tile and never the loop.
// 2. The caller works as well, and at the end waits only for helpers that are inside a tile. A helper that has not
// woken
//    up by then is not waited for: with every other core busy, a loop costs what it costs on one thread.
// 3. A helper between loops spins for a bounded time, then sleeps.
//
// States of the pool's word: closed(n) --publish--> open(n+1) --all tiles claimed--> closed(n+1). A helper first counts
// itself in (`inside_`), then reads the word; the caller first closes the word, then waits for `inside_` to be 0: in
// the single order of these operations one of the two sees the other, so no helper is in a loop that its caller has
// left.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace hearth {

class ThreadPool {
 public:
  /// `threads` counts the caller: 1 makes no thread. 0: one for each core this process may use, at most 64.
  explicit ThreadPool(int threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  /// Calls fn(begin, end) for consecutive pieces of [0, count) of `grain` items (the last may be shorter), on several
  /// threads, each piece once, in no order. Returns when all are done. The first exception of a piece is thrown again
  /// here; pieces not begun by then are left out. While another thread is inside the same pool, the caller does all the
  /// work itself. Throws std::logic_error when called from inside one of this pool's own pieces.
  template <class F>
  void parallel_for(int64_t count, int64_t grain, F&& fn) {
    using Fn = std::remove_reference_t<F>;
    run(
        count, grain, [](void* f, int64_t begin, int64_t end) { (*static_cast<Fn*>(f))(begin, end); },
        const_cast<void*>(static_cast<const void*>(std::addressof(fn))));
  }

  /// The pool that a process shares when it has no reason for its own; made at first use.
  static ThreadPool& shared();

 private:
  using Piece = void (*)(void* fn, int64_t begin, int64_t end);
  struct State;
  void run(int64_t count, int64_t grain, Piece piece, void* fn);

  std::unique_ptr<State> state_;
  int threads_;
};

}  // namespace hearth
