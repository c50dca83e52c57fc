// What the running hub knows of itself, for /metrics and /readyz.
// Source: Prometheus text exposition format 0.0.4; its naming practice (base units, _total, _seconds, _bytes).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "net/server.h"

namespace hearth::server {

struct Services;

/// Thread-safe.
class Metrics {
 public:
  /// Upper bounds of the latency buckets, in seconds.
  static constexpr std::array<double, 12> kBuckets = {.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60};

  /// One answer. `route` is the pattern, empty for what no route took: never the path, of which there is no end.
  void count(std::string_view method, std::string_view route, const net::Answered& how);
  /// The server that is asked for its load; null once it has ended.
  void watch(const net::Server* server) { server_ = server; }
  const net::Server* server() const { return server_; }

  /// The page of /metrics. What cannot be read just now (a busy database) is left out.
  std::string text(const Services& services) const;

 private:
  struct Line {
    std::map<int, uint64_t> statuses;
    std::array<uint64_t, kBuckets.size() + 1> buckets{};
    double seconds = 0, handle_seconds = 0;
    uint64_t bytes = 0, broken = 0;
  };
  Guarded<std::map<std::pair<std::string_view, std::string_view>, Line>> lines_{};  ///< by route, method
  std::atomic<const net::Server*> server_ = nullptr;
};

}  // namespace hearth::server
