// After each push, and when large files came later: the new files of main are scanned.
#include "hub/scans.h"
#include "server/jobs_registry.h"

namespace hearth::server::jobs {
namespace {

constexpr std::string_view kEvents[] = {"repo.content", "repo.create", "repo.objects"};

Status run(const Services& services, const Job& job, std::stop_token stop) {
  const auto repo = services.hub.repo_by_number(job.payload["repo_id"].as_int());
  if (!repo.ok() || !hub::has_git(repo->kind)) return {};  // deleted meanwhile, or without revisions
  return hub::scan_repo(services.hub, *repo, std::move(stop));
}

}  // namespace
extern constinit const JobKind scan_entry{.kind = "scan", .events = kEvents, .per = Per::repo, .run = run};
}  // namespace hearth::server::jobs
