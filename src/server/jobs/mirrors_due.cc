// Every minute: mirrors whose time has come get their job.
#include "base/clock.h"
#include "hub/mirrors.h"
#include "server/jobs_registry.h"
#include "server/mirror_plan.h"

namespace hearth::server::jobs {
namespace {

Status run(const Services& services, const Job&, std::stop_token) {
  for (const auto& mirror : TRY(hub::list_mirrors(services.hub)))
    if (mirror.every_s > 0 && now_ms() - mirror.checked_ms >= mirror.every_s * 1000)
      TRY(queue_copy(services.hub, mirror));
  return {};
}

}  // namespace
extern constinit const JobKind mirrors_due_entry{.kind = "mirrors-due", .events = {}, .every_s = 60, .run = run};
}  // namespace hearth::server::jobs
