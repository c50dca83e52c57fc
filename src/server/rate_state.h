// What a caller's window of requests looks like: part of every answer's headers (server/rate_limit.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace hearth::server {

enum class RateKind { api, resolvers, pages };
inline constexpr size_t kRateKinds = 3;
struct RatePolicy {
  int64_t quota = 0;  ///< requests in a window; 0: no limit
  int64_t window_s = 300;
};
struct RateState {
  RateKind kind = RateKind::api;
  RatePolicy policy;
  int64_t remaining = 0;
  int64_t reset_s = 0;  ///< seconds until the window ends
  bool refused = false;
};

}  // namespace hearth::server
