// Events become deliveries to the webhooks that watch: a row and a job each (jobs/webhook_delivery.cc makes them).
#include "hub/webhooks.h"
#include "server/jobs_registry.h"
#include "server/webhook_job.h"

namespace hearth::server::jobs {
namespace {

constexpr std::string_view kEvents[] = {"repo.create",  "repo.delete", "repo.move",         "repo.config",
                                        "repo.content", "discussion",  "discussion.comment"};

Status tell(const Services& services, const Job& job, std::stop_token) {
  auto& hub = services.hub;
  const hub::StoredEvent stored{.id = job.payload["event"].as_int(),
                                .at_ms = job.payload["at_ms"].as_int(),
                                .event = {.kind = std::string(job.payload["kind"].as_string()),
                                          .repo_id = job.payload["repo_id"].as_int(),
                                          .actor = std::string(job.payload["actor"].as_string()),
                                          .data = job.payload["data"]}};
  for (const auto& [webhook, payload] : TRY(hub::matching_webhooks(hub, stored))) {
    auto transaction = TRY(hub.db().begin());
    const auto id = TRY(hub::add_delivery(transaction, webhook, stored.id, payload));
    if (!id) continue;
    TRY(hearth::jobs::Queue::add(transaction, webhook_delivery_job(webhook.id, *id)));
    TRY(transaction.commit());
  }
  return {};
}

}  // namespace
extern constinit const JobKind webhooks_entry{.kind = "webhooks", .events = kEvents, .run = tell};
}  // namespace hearth::server::jobs
