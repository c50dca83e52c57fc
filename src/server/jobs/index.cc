// What changes the index of a repository beside its commits: large files that came after theirs, whose headers could
// not be read then; another name, which is among the words that searches find.
#include "hub/index.h"
#include "server/jobs_registry.h"

namespace hearth::server::jobs {
namespace {

constexpr std::string_view kEvents[] = {"repo.objects", "repo.move"};

Status run(const Services& services, const Job& job, std::stop_token) {
  const auto repo = services.hub.repo_by_number(job.payload["repo_id"].as_int());
  if (!repo.ok() || !hub::has_git(repo->kind)) return {};  // deleted meanwhile, or without revisions
  return hub::refresh_index(services.hub, *repo);
}

}  // namespace
extern constinit const JobKind index_entry{.kind = "index", .events = kEvents, .per = Per::repo, .run = run};
}  // namespace hearth::server::jobs
