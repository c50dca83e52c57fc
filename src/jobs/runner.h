// Runs the queue's jobs on a few threads, as long as it lives.
//
// 1. Before it looks for jobs it calls `feed` (events become jobs there), at most once a poll.
// 2. A job that fails is tried again after 10 s, 40 s, 160 s, ... up to an hour, `attempts_max` times in all, then kept
//    as failed. The leases of running jobs are renewed, so that a job may take as long as it needs.
// 3. A periodic kind has one job, keyed "periodic", that waits for its next time; several runners on one database share
// it.
// 4. A kind that waits for strangers' servers has threads of its own: however slow those are, nothing else waits. Of
//    jobs whose keys are GROUP/REST such a kind runs one a group at once, so that one slow server holds one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "jobs/queue.h"

namespace hearth::jobs {

struct Kind {
  std::string name;
  /// Returns soon after a stop; an exception counts as a failure.
  std::function<Status(const Job&, std::stop_token)> run;
  int64_t attempts_max = 5;
  int64_t every_ms = 0;  ///< periodic when over 0
  int threads = 0;       ///< of its own; 0: it shares the runner's
};

struct RunnerOptions {
  int threads = 2;  ///< for all kinds without threads of their own
  int64_t poll_ms = 500;
  std::function<Status()> feed;  ///< may be empty
};

class Runner {
 public:
  Runner(store::Db& db, std::vector<Kind> kinds, RunnerOptions options);
  /// Asks running jobs to stop and waits for them; what did not finish runs again later.
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hearth::jobs
