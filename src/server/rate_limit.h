// How often one caller may ask: fixed windows, counted for each user (else each address) and kind of address.
//
// 1. Windows begin at whole multiples of their length, so that all counters of a kind are forgotten together.
// 2. Memory is bounded: beyond `kCallersMax` callers in one window the further ones share a counter.
// 3. An IPv6 caller is its /64 network: one machine has as many addresses there as it likes.
// Source: draft-ietf-httpapi-ratelimit-headers-09 as huggingface_hub 2.4.0 utils/_http.py reads it; the kinds and the
// standard figures: huggingface.co/docs/hub/rate-limits.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/guarded.h"
#include "base/result.h"
#include "server/rate_state.h"

namespace hearth::server {

/// "api", "resolvers", "pages".
std::string_view rate_kind_name(RateKind kind);
/// Nothing for what is not counted: the site's own files and health checks.
std::optional<RateKind> rate_kind_of(std::string_view path);

struct RatePolicies {
  std::array<RatePolicy, kRateKinds> anonymous, users;
};
/// The Hub's own figures, or ones that no person reaches for a hub of this machine alone.
RatePolicies standard_rates(bool on_loopback);
/// Changes one figure: "api=1000", "api=1000/60" (seconds), "anonymous-pages=50", or "off" for all. bad_input
/// otherwise.
Status set_rate(RatePolicies& policies, std::string_view text);

/// The network of an address: of IPv6 its first four groups, written as they came.
std::string_view client_network(std::string_view address);

/// Thread-safe.
class RateLimiter {
 public:
  static constexpr size_t kCallersMax = 50'000;
  explicit RateLimiter(const RatePolicies& policies) : policies_(policies) {}

  /// Counts one request (`spend`), or only looks. Nothing where there is no limit.
  std::optional<RateState> take(int64_t user_id, std::string_view address, RateKind kind, int64_t at_ms, bool spend);

 private:
  struct Window {
    int64_t number = 0;
    std::unordered_map<std::string, int64_t> counts;
  };
  RatePolicies policies_;
  std::array<Guarded<Window>, kRateKinds * 2> windows_;
};

/// The values of `RateLimit` and `RateLimit-Policy`: `"api";r=499;t=55`, `"fixed window";"api";q=500;w=300`.
std::string rate_header(const RateState& state);
std::string rate_policy_header(const RateState& state);

}  // namespace hearth::server
