// Once an hour: downloads older than 30 days leave the counts, trending scores fade; after a like its repository's
// score is computed at once.
#include "hub/statistics.h"
#include "hub/catalog.h"
#include "server/jobs_registry.h"

namespace hearth::server::jobs {
namespace {

constexpr std::string_view kEvents[] = {"like"};

Status run(const Services& services, const Job& job, std::stop_token) {
  auto& hub = services.hub;
  if (const auto repo_id = job.payload["repo_id"].as_int(); repo_id != 0)
    return hub::update_statistics(hub.db(), repo_id);
  TRY(hub.flush_downloads());
  TRY(hub::update_statistics(hub.db()));
  return hub::forget_changes(hub.db());
}

}  // namespace
extern constinit const JobKind statistics_entry{
    .kind = "statistics", .events = kEvents, .per = Per::repo, .every_s = 3600, .run = run};
}  // namespace hearth::server::jobs
