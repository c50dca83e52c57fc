// Once an hour: changes of buckets that nobody can resume from any more are removed.
#include "base/clock.h"
#include "server/bucket_feed.h"
#include "server/jobs_registry.h"

namespace hearth::server::jobs {
namespace {

Status run(const Services& services, const Job&, std::stop_token) {
  return hub::forget_bucket_changes(services.hub.db(), now_ms() - kBucketChangesKept_ms);
}

}  // namespace
extern constinit const JobKind forget_bucket_changes_entry{
    .kind = "forget-bucket-changes", .events = {}, .every_s = 3600, .run = run};
}  // namespace hearth::server::jobs
