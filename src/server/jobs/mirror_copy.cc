// One mirror or import, copied whole. It goes on where it was interrupted: commits come by git, large files one by one.
#include "hub/mirrors.h"
#include "server/jobs_registry.h"
#include "server/mirror_plan.h"
#include "server/pull_through.h"

namespace hearth::server::jobs {
namespace {

Status run(const Services& services, const Job& job, std::stop_token stop) {
  const auto kind = TRY(hub::parse_kind(job.payload["type"].as_string()));
  const auto id = TRY(hub::parse_repo_id(kind, job.payload["repo"].as_string()));
  const auto planned = TRY(hub::find_mirror(services.hub, id));
  if (!planned || !services.pull_through) return {};  // removed meanwhile
  auto status = services.pull_through->copy(*planned, stop);
  auto mirror = TRY(hub::find_mirror(services.hub, id));
  if (!mirror) return status;
  if (status.ok() && mirror->once) return hub::remove_mirror(services.hub, id);
  mirror->error = status.ok() ? "" : status.message();
  TRY(hub::save_mirror(services.hub, *mirror));
  return status;
}

}  // namespace
extern constinit const JobKind mirror_copy_entry{
    .kind = kMirrorJob, .events = {}, .attempts_max = 20, .threads = 2, .run = run};
}  // namespace hearth::server::jobs
