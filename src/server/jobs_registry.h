// The kinds of background work that the front does: a file each in jobs/.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <stop_token>
#include <string_view>

#include "jobs/queue.h"
#include "server/services.h"

namespace hearth::server::jobs {

using hearth::jobs::Job;

/// Which events start a job, and how many of them make one.
enum class Per {
  event,  ///< one job an event
  repo,   ///< one waiting job a repository, whatever happened to it
};

/// A kind of job. The payload of one that an event started is {"event", "at_ms", "kind", "repo_id", "actor", "data"}
/// (hub/events.h); run must bear being called twice for the same job.
struct JobKind {
  std::string_view kind;
  std::span<const std::string_view> events;  ///< kinds of events that start it: "repo.content", or "repo." for all such
  Per per = Per::event;
  int64_t every_s = 0;  ///< periodic when over 0
  int64_t attempts_max = 5;
  int threads = 0;  ///< of its own, for one that waits for others' servers (jobs/runner.h)
  Status (*run)(const Services& services, const Job& job, std::stop_token stop) = nullptr;
};

using Entry = JobKind;
std::span<const Entry* const> entries();

}  // namespace hearth::server::jobs
