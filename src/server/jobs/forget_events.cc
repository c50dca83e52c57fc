// Once an hour: events older than a month that every reader has passed are removed.
#include "base/clock.h"
#include "hub/events.h"
#include "server/jobs_registry.h"

namespace hearth::server::jobs {
namespace {

constexpr int64_t kKept_ms = int64_t{30} * 24 * 3600 * 1000;

Status run(const Services& services, const Job&, std::stop_token) {
  return hub::forget_events(services.hub.db(), now_ms() - kKept_ms);
}

}  // namespace
extern constinit const JobKind forget_events_entry{.kind = "forget-events", .events = {}, .every_s = 3600, .run = run};
}  // namespace hearth::server::jobs
