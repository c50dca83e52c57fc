#include "tensor/threads.h"

#include <doctest/doctest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

using hearth::ThreadPool;

TEST_CASE("threads: every item is given once, in pieces of the grain") {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (const int64_t count : {0, 1, 2, 7, 64, 1000})
      for (const int64_t grain : {1, 3, 64, 5000}) {
        std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
        std::atomic<bool> pieces_fit{true};
        pool.parallel_for(count, grain, [&](int64_t begin, int64_t end) {
          if (begin % grain != 0 || end - begin > grain || end <= begin) pieces_fit = false;
          for (; begin < end; ++begin) ++seen[static_cast<size_t>(begin)];
        });
        CHECK(pieces_fit);
        int wrong = 0;
        for (const auto& times : seen) wrong += times != 1;
        CHECK(wrong == 0);
      }
  }
}

TEST_CASE("threads: what one loop wrote the next one reads, over many short loops") {
  ThreadPool pool(3);
  std::vector<int64_t> values(48, 0);
  for (int round = 0; round < 20000; ++round)
    pool.parallel_for(48, 4, [&](int64_t begin, int64_t end) {
      // Each item reads its mirror's last value, written by whichever thread had it.
      for (; begin < end; ++begin) values[static_cast<size_t>(begin)] += 1;
    });
  CHECK(std::accumulate(values.begin(), values.end(), int64_t{0}) == 48 * 20000);
}

TEST_CASE("threads: a piece's exception reaches the caller and the pool goes on") {
  ThreadPool pool(3);
  for (int round = 0; round < 50; ++round) {
    CHECK_THROWS_WITH_AS(pool.parallel_for(100, 1,
                                           [](int64_t begin, int64_t) {
                                             if (begin == 13) throw std::runtime_error("piece 13");
                                           }),
                         "piece 13", std::runtime_error);
    std::atomic<int> done{0};
    pool.parallel_for(100, 1, [&](int64_t, int64_t) { ++done; });
    CHECK(done == 100);
  }
}

TEST_CASE("threads: a loop inside a loop of the same pool is refused, of another pool it runs") {
  ThreadPool pool(2), other(2);
  CHECK_THROWS_AS(pool.parallel_for(4, 1, [&](int64_t, int64_t) { pool.parallel_for(2, 1, [](int64_t, int64_t) {}); }),
                  std::logic_error);
  CHECK_THROWS_AS(pool.parallel_for(1, 1, [&](int64_t, int64_t) { pool.parallel_for(2, 1, [](int64_t, int64_t) {}); }),
                  std::logic_error);
  std::atomic<int> done{0};
  pool.parallel_for(4, 1, [&](int64_t, int64_t) { other.parallel_for(8, 1, [&](int64_t, int64_t) { ++done; }); });
  CHECK(done == 32);
}

TEST_CASE("threads: several callers of one pool, and many pools at once, all finish") {
  ThreadPool shared(2);
  std::atomic<int64_t> total{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&] {
      ThreadPool own(2);
      for (int round = 0; round < 500; ++round) {
        shared.parallel_for(16, 2, [&](int64_t begin, int64_t end) { total += end - begin; });
        own.parallel_for(16, 2, [&](int64_t begin, int64_t end) { total += end - begin; });
      }
    });
  for (auto& caller : callers) caller.join();
  CHECK(total == 4 * 500 * 32);
}
