#include "server/rate_limit.h"

#include <doctest/doctest.h>

#include "base/text.h"

namespace hearth::server {

TEST_CASE("rate limit: the request after the last one is refused until the window ends") {
  auto policies = standard_rates(false);
  REQUIRE(set_rate(policies, "anonymous-api=2/60").ok());
  RateLimiter limiter(policies);
  constexpr int64_t begin_ms = 600'000;  // a window's first moment
  const auto ask = [&](std::string_view address, int64_t at_ms, bool spend = true) {
    return limiter.take(0, address, RateKind::api, at_ms, spend).value();
  };
  CHECK(rate_header(ask("192.0.2.1", begin_ms)) == "\"api\";r=1;t=60");
  CHECK(rate_policy_header(ask("192.0.2.1", begin_ms, false)) == "\"fixed window\";\"api\";q=2;w=60");
  CHECK_FALSE(ask("192.0.2.1", begin_ms + 5000, false).refused);
  CHECK_FALSE(ask("192.0.2.1", begin_ms + 5000).refused);
  const auto third = ask("192.0.2.1", begin_ms + 59'000);
  CHECK(third.refused);
  CHECK(rate_header(third) == "\"api\";r=0;t=1");
  CHECK_FALSE(ask("192.0.2.2", begin_ms + 59'000).refused);                             // another caller
  CHECK_FALSE(limiter.take(7, "192.0.2.1", RateKind::api, begin_ms, true)->refused);    // somebody signed in there
  CHECK_FALSE(limiter.take(0, "192.0.2.1", RateKind::pages, begin_ms, true)->refused);  // another kind
  CHECK_FALSE(ask("192.0.2.1", begin_ms + 60'000).refused);
}

TEST_CASE("rate limit: addresses of one IPv6 network are one caller") {
  auto policies = standard_rates(false);
  REQUIRE(set_rate(policies, "anonymous-api=1").ok());
  RateLimiter limiter(policies);
  CHECK_FALSE(limiter.take(0, "2001:db8:1:2::5", RateKind::api, 0, true)->refused);
  CHECK(limiter.take(0, "2001:db8:1:2:9::6", RateKind::api, 0, true)->refused);
  CHECK_FALSE(limiter.take(0, "2001:db8:1:3::5", RateKind::api, 0, true)->refused);
}

TEST_CASE("rate limit: memory stays bounded, callers beyond it share") {
  auto policies = standard_rates(false);
  REQUIRE(set_rate(policies, "anonymous-api=1").ok());
  RateLimiter limiter(policies);
  for (size_t i = 0; i < RateLimiter::kCallersMax; ++i)
    REQUIRE_FALSE(limiter.take(0, cat("a", i), RateKind::api, 0, true)->refused);
  CHECK_FALSE(limiter.take(0, "late", RateKind::api, 0, true)->refused);
  CHECK(limiter.take(0, "later", RateKind::api, 0, true)->refused);
  CHECK_FALSE(limiter.take(0, "later", RateKind::api, 300'000, true)->refused);
}

TEST_CASE("rate limit: what addresses count as, and how limits are written") {
  CHECK(rate_kind_of("/alice/tiny/resolve/main/config.json") == RateKind::resolvers);
  CHECK(rate_kind_of("/api/models") == RateKind::api);
  CHECK(rate_kind_of("/alice/tiny") == RateKind::pages);
  CHECK_FALSE(rate_kind_of("/healthz").has_value());
  CHECK_FALSE(rate_kind_of("/assets/app.js").has_value());
  auto policies = standard_rates(true);
  CHECK(policies.anonymous[0].quota >= 100'000);
  for (const std::string_view bad :
       {"", "api", "api=", "api=-1", "api=x", "api=5/0", "api=5/6/7", "files=5", "anonymous=5"})
    CHECK_MESSAGE(set_rate(policies, bad).code() == Code::bad_input, bad);
  REQUIRE(set_rate(policies, "off").ok());
  RateLimiter limiter(policies);
  CHECK_FALSE(limiter.take(0, "x", RateKind::api, 0, true).has_value());
}

}  // namespace hearth::server
