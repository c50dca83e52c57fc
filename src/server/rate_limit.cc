#include "server/rate_limit.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::server {
namespace {

constexpr std::string_view kNames[] = {"api", "resolvers", "pages"};
constexpr int64_t kWindow_s = 300, kGenerous = 1'000'000;
constexpr int64_t kWindowMax_s = 24 * 3600, kQuotaMax = 1'000'000'000'000;

}  // namespace

std::string_view client_network(std::string_view address) {
  if (!contains(address, ":")) return address;
  size_t colons = 0;
  for (size_t i = 0; i < address.size(); ++i)
    if (address[i] == ':' && (++colons == 4 || address.substr(i, 2) == "::")) return address.substr(0, i);
  return address;
}

std::string_view rate_kind_name(RateKind kind) {
  return kNames[static_cast<size_t>(kind)];
}

std::optional<RateKind> rate_kind_of(std::string_view path) {
  for (const std::string_view free : {"/assets/", "/avatars/", "/healthz", "/metrics"})
    if (path.starts_with(free)) return std::nullopt;
  for (const std::string_view part :
       {"/resolve/", "/raw/", "/info/lfs/", "/git-upload-pack", "/git-receive-pack", "/info/refs"})
    if (contains(path, part)) return RateKind::resolvers;
  if (path.starts_with("/api/resolve-cache/") || path.starts_with("/xet/") || path.starts_with("/lfs/"))
    return RateKind::resolvers;
  return path.starts_with("/api/") || path.starts_with("/v1/") || path.starts_with("/models/") ||
                 path.starts_with("/pipeline/") || path.starts_with("/hf-inference/") || path.starts_with("/oauth/") ||
                 path.starts_with("/datasets-server/")
             ? RateKind::api
             : RateKind::pages;
}

RatePolicies standard_rates(bool on_loopback) {
  const auto of = [&](int64_t api, int64_t resolvers, int64_t pages) {
    std::array<RatePolicy, kRateKinds> out;
    const int64_t quotas[] = {api, resolvers, pages};
    for (size_t i = 0; i < kRateKinds; ++i) out[i] = {on_loopback ? kGenerous : quotas[i], kWindow_s};
    return out;
  };
  return {.anonymous = of(500, 3000, 100), .users = of(1000, 5000, 200)};
}

Status set_rate(RatePolicies& policies, std::string_view text) {
  if (text == "off") {
    policies = {};
    return {};
  }
  const auto bad = [&] {
    return Status(Code::bad_input,
                  cat("rate limit '", text.substr(0, 60),
                      "' is not [anonymous-]KIND=REQUESTS[/SECONDS] with the kinds api, resolvers, pages, nor off"));
  };
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return bad();
  auto name = text.substr(0, equals);
  auto& chosen = name.starts_with("anonymous-") ? policies.anonymous : policies.users;
  if (name.starts_with("anonymous-")) name.remove_prefix(10);
  const auto parts = split(text.substr(equals + 1), '/');
  const auto quota = parse_int(parts[0]);
  const auto window = parts.size() > 1 ? parse_int(parts[1]) : std::optional(kWindow_s);
  const auto* kind = std::find(std::begin(kNames), std::end(kNames), name);
  if (kind == std::end(kNames) || parts.size() > 2 || !quota || *quota < 0 || *quota > kQuotaMax || !window ||
      *window < 1 || *window > kWindowMax_s)
    return bad();
  chosen[static_cast<size_t>(kind - std::begin(kNames))] = {*quota, *window};
  return {};
}

std::optional<RateState> RateLimiter::take(int64_t user_id, std::string_view address, RateKind kind, int64_t at_ms,
                                           bool spend) {
  const auto index = static_cast<size_t>(kind);
  const auto& policy = (user_id != 0 ? policies_.users : policies_.anonymous)[index];
  if (policy.quota == 0) return std::nullopt;
  const int64_t at_s = at_ms / 1000, number = at_s / policy.window_s;
  const auto key = user_id != 0 ? cat(user_id) : std::string(client_network(address));
  const auto asked = windows_[index * 2 + (user_id != 0 ? 1 : 0)].with([&](Window& window) {
    if (window.number != number) {
      window.number = number;
      window.counts.clear();
    }
    const bool known = window.counts.size() < kCallersMax || window.counts.count(key) != 0;
    auto& count = window.counts[known ? key : std::string("others")];
    if (spend && count <= policy.quota) ++count;
    return count + (spend ? 0 : 1);
  });
  return RateState{.kind = kind,
                   .policy = policy,
                   .remaining = std::max<int64_t>(policy.quota - asked, 0),
                   .reset_s = (number + 1) * policy.window_s - at_s,
                   .refused = asked > policy.quota};
}

std::string rate_header(const RateState& state) {
  return cat("\"", rate_kind_name(state.kind), "\";r=", state.remaining, ";t=", state.reset_s);
}

std::string rate_policy_header(const RateState& state) {
  return cat("\"fixed window\";\"", rate_kind_name(state.kind), "\";q=", state.policy.quota,
             ";w=", state.policy.window_s);
}

}  // namespace hearth::server
