// After commits and pushes: a repository with many loose objects is packed.
#include "hub/repack.h"
#include "server/jobs_registry.h"

namespace hearth::server::jobs {
namespace {

constexpr std::string_view kEvents[] = {"repo.content"};

Status run(const Services& services, const Job& job, std::stop_token) {
  const auto repo = services.hub.repo_by_number(job.payload["repo_id"].as_int());
  if (!repo.ok()) return repo.status().code() == Code::repo_not_found ? Status() : repo.status().clone();
  if (!hub::has_git(repo->kind)) return {};
  const auto packed = hub::repack_if_needed(services.hub, *repo);
  return packed.ok() ? Status() : packed.status().clone();
}

}  // namespace
extern constinit const JobKind repack_entry{.kind = "repack", .events = kEvents, .per = Per::repo, .run = run};
}  // namespace hearth::server::jobs
