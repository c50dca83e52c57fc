// What the bench programs measure with.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "base/result.h"

namespace hearth {

inline double wall_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Of this process, all threads together.
inline double cpu_s() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// The least CPU time of work(), which returns a Status or a Result; the first round meets cold caches and is not
/// counted.
template <class Work>
Result<double> best_cpu_s(int rounds, const Work& work) {
  double out = 1e9;
  for (int i = 0; i <= rounds; ++i) {
    const double begin = cpu_s();
    TRY(work());
    if (i > 0) out = std::min(out, cpu_s() - begin);
  }
  return out;
}

/// The exit status of a program that cannot go on.
inline int fail(const Status& status) {
  return std::fprintf(stderr, "%s\n", status.message().c_str()), 1;
}

}  // namespace hearth
