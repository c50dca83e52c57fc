// After a commit or push: what came whole (git-lfs, plain LFS uploads) gains a Xet form, so that it can be downloaded
// by chunks and found by dedup queries. Its bytes are not stored again.
#include "base/log.h"
#include "base/text.h"
#include "hub/xet.h"
#include "server/jobs_registry.h"

namespace hearth::server::jobs {
namespace {

constexpr std::string_view kEvents[] = {"repo.content", "repo.objects"};
constexpr int64_t kFilesAtOnce = 100;

Status run(const Services& services, const Job& job, std::stop_token stop) {
  const auto& hub = services.hub;
  const auto repo = job.payload["repo_id"].as_int();
  std::string after;
  for (;;) {
    const auto rows =
        TRY(hub.db().query("SELECT sha256 FROM repo_objects WHERE repo_id = $1 AND sha256 > $2 AND NOT EXISTS (SELECT "
                           "1 FROM xet_files WHERE "
                           "xet_files.sha256 = repo_objects.sha256) ORDER BY sha256 LIMIT $3",
                           {repo, after, kFilesAtOnce}));
    for (const auto& row : rows) {
      after = row[0].text();
      const auto chunked = hub::chunk_stored_file(hub, after, stop);
      // Announced and never sent, or collected: nothing to do.
      if (!chunked.ok() && chunked.code() != Code::not_found) return chunked.clone();
    }
    if (rows.size() < static_cast<size_t>(kFilesAtOnce)) return {};
  }
}

}  // namespace
extern constinit const JobKind xet_chunk_entry{.kind = "xet-chunk", .events = kEvents, .per = Per::repo, .run = run};
}  // namespace hearth::server::jobs
