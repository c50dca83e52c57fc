#include "jobs/runner.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/log.h"
#include "base/text.h"

namespace hearth::jobs {
namespace {

constexpr int64_t kLease_ms = 60'000, kRenew_ms = 20'000;
constexpr int64_t kFirstDelay_ms = 10'000, kDelayMax_ms = 3600'000;
constexpr std::string_view kPeriodicKey = "periodic";

int64_t delay_ms(int64_t attempt) {
  int64_t delay = kFirstDelay_ms;
  for (int64_t i = 1; i < attempt && delay < kDelayMax_ms; ++i) delay *= 4;
  return std::min(delay, kDelayMax_ms);
}

void warn(const Status& status, std::string_view what) {
  if (!status.ok()) log(LogLevel::warning, "jobs", cat(what, ": ", status.message()));
}

}  // namespace

struct Runner::State {
  State(store::Db& db, std::vector<Kind> all, RunnerOptions chosen)
      : queue(db), kinds(std::move(all)), options(std::move(chosen)) {}

  const Kind* kind(std::string_view name) const {
    for (const auto& kind : kinds)
      if (kind.name == name) return &kind;
    return nullptr;
  }

  // Until the next poll, or the stop.
  void wait(std::stop_token stop) {
    std::unique_lock lock(mutex);
    woken.wait_for(lock, stop, std::chrono::milliseconds(options.poll_ms), [] { return false; });
  }

  void schedule(const Kind& kind, int64_t run_at_ms) {
    warn(queue.add({.kind = kind.name, .key = std::string(kPeriodicKey), .run_at_ms = run_at_ms}), kind.name);
  }

  Status attempt(const Kind& kind, const Job& job, std::stop_token stop) {
    try {
      return kind.run(job, stop);
    } catch (const std::exception& error) {
      return Status(Code::internal, error.what());
    }
  }

  void run(const Job& job, std::stop_token stop) {
    const auto* found = kind(job.kind);
    if (!found) {  // of a newer version that shares the database: not ours to judge
      warn(queue.retry(job, "no runner here knows this kind", now_ms() + kDelayMax_ms), job.kind);
      return;
    }
    running.with([&](auto& jobs) { jobs.push_back(job); });
    const auto status = job.attempt > found->attempts_max ? Status(Code::internal, "the runner died at every attempt")
                                                          : attempt(*found, job, stop);
    running.with([&](auto& jobs) { std::erase_if(jobs, [&](const Job& other) { return other.id == job.id; }); });
    finish(*found, job, status, stop.stop_requested());
  }

  void finish(const Kind& kind, const Job& job, const Status& status, bool stopping) {
    const bool periodic = kind.every_ms > 0 && job.key == kPeriodicKey;
    if (!status.ok() && stopping) {
      warn(queue.retry(job, status.message(), now_ms()), job.kind);
      return;
    }
    if (!status.ok()) log(LogLevel::warning, "jobs", cat(job.kind, " ", job.key, ": ", status.message()));
    if (status.ok() || periodic) {
      warn(queue.done(job), job.kind);
    } else if (job.attempt >= kind.attempts_max) {
      warn(queue.give_up(job, status.message()), job.kind);
    } else {
      warn(queue.retry(job, status.message(), now_ms() + delay_ms(job.attempt)), job.kind);
    }
    if (periodic) schedule(kind, now_ms() + kind.every_ms);
  }

  void work(std::stop_token stop) {
    while (!stop.stop_requested()) {
      auto job = queue.take(kLease_ms);
      if (!job.ok() && job.status().code() != Code::busy) warn(job.status(), "queue");
      if (job.ok() && *job)
        run(**job, stop);
      else
        wait(stop);
    }
  }

  // Feeds the queue and keeps the leases of what runs.
  void tend(std::stop_token stop) {
    for (const auto& kind : kinds)
      if (kind.every_ms > 0) schedule(kind, now_ms() + kind.every_ms);
    auto renewed_ms = monotonic_ms();
    while (!stop.stop_requested()) {
      if (options.feed) warn(options.feed(), "events");
      if (monotonic_ms() - renewed_ms > kRenew_ms) {
        renewed_ms = monotonic_ms();
        for (const auto& job : running.with([](const auto& jobs) { return jobs; }))
          warn(queue.renew(job, kLease_ms), job.kind);
      }
      wait(stop);
    }
  }

  Queue queue;
  const std::vector<Kind> kinds;
  const RunnerOptions options;
  std::mutex mutex;
  std::condition_variable_any woken;
  Guarded<std::vector<Job>> running;
  std::vector<std::jthread> threads;  // last: joined before the rest goes
};

Runner::Runner(store::Db& db, std::vector<Kind> kinds, RunnerOptions options)
    : state_(std::make_unique<State>(db, std::move(kinds), std::move(options))) {
  auto* state = state_.get();
  state->threads.emplace_back([state](std::stop_token stop) { state->tend(stop); });
  for (int i = 0; i < state->options.threads; ++i)
    state->threads.emplace_back([state](std::stop_token stop) { state->work(stop); });
}

Runner::~Runner() {
  for (auto& thread : state_->threads) thread.request_stop();
}

}  // namespace hearth::jobs
