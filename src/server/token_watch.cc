#include "server/token_watch.h"

#include "base/log.h"
#include "base/text.h"
#include "hub/token_places.h"
#include "server/audit.h"
#include "server/rate_limit.h"

namespace hearth::server {
namespace {

constexpr size_t kSeenMax = 100'000;

}  // namespace

void TokenWatch::see(Request& rq) {
  const auto& caller = rq.caller();
  const auto address = rq.client_address();
  if (caller.token_id == 0 || address.empty()) return;
  const auto network = client_network(address);
  const auto key = cat(caller.token_id, " ", network);
  const bool seen = seen_.with([&](const auto& all) { return all.count(key) != 0; });
  if (seen) return;
  const auto place = hub::note_token_place(rq.hub(), caller.token_id, network);
  if (!place.ok()) {
    log(LogLevel::warning, "audit", cat("where token ", caller.token_name, " is used: ", place.status().message()));
    return;
  }
  seen_.with([&](auto& all) {
    if (all.size() >= kSeenMax) all.clear();
    all.insert(key);
  });
  const auto token = cat("token ", caller.token_name);
  if (*place == hub::TokenPlace::added) audit_as(rq, *caller.user, "user.token.new_address", {}, token, token);
}

}  // namespace hearth::server
