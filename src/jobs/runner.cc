#include "jobs/runner.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
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

// "delivery:3" of "delivery:3/17"; empty for other keys.
std::string_view group_of(std::string_view key) {
  const auto slash = key.rfind('/');
  return slash == key.npos ? std::string_view() : key.substr(0, slash);
}

// Threads that take the same kinds. One of them at a time looks for work, the others wait for their turn or run some.
struct Lane {
  std::vector<std::string> kinds;
  bool others = false;
  bool is_led = false;               // under State::mutex
  std::vector<std::string> running;  // the groups; under State::mutex
  std::condition_variable_any turn = {};
};

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

  // The lane's next job, as soon as there is one; nothing at a stop.
  std::optional<Job> next(Lane& lane, const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      Wanted wanted{.kinds = lane.kinds, .others = lane.others};
      if (!lane.others) {
        const std::lock_guard lock(mutex);
        wanted.groups_not = lane.running;
      }
      auto job = queue.take(kLease_ms, wanted);
      if (job.ok() && *job) return *std::move(job);
      if (!job.ok() && job.status().code() != Code::busy) warn(job.status(), "queue");
      wait(stop);
    }
    return {};
  }

  void work(Lane& lane, const std::stop_token& stop) {
    while (true) {
      {
        std::unique_lock lock(mutex);
        if (!lane.turn.wait(lock, stop, [&] { return !lane.is_led; })) return;
        lane.is_led = true;
      }
      const auto job = next(lane, stop);
      const auto group = std::string(job ? group_of(job->key) : "");
      {
        const std::lock_guard lock(mutex);
        lane.is_led = false;
        if (!group.empty()) lane.running.push_back(group);
      }
      lane.turn.notify_one();
      if (!job) return;
      run(*job, stop);
      const std::lock_guard lock(mutex);
      std::erase(lane.running, group);
    }
  }

  // Threads for a lane.
  void start(std::vector<std::string> names, int count, bool others = false) {
    auto& lane = *lanes.emplace_back(std::make_unique<Lane>());
    lane.kinds = std::move(names);
    lane.others = others;
    for (int i = 0; i < count; ++i)
      threads.emplace_back([this, &lane](const std::stop_token& stop) { work(lane, stop); });
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
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<std::jthread> threads;  // last: joined before the rest goes
};

Runner::Runner(store::Db& db, std::vector<Kind> kinds, RunnerOptions options)
    : state_(std::make_unique<State>(db, std::move(kinds), std::move(options))) {
  auto* state = state_.get();
  state->threads.emplace_back([state](std::stop_token stop) { state->tend(stop); });
  std::vector<std::string> apart;
  for (const auto& kind : state->kinds) {
    if (kind.threads == 0) continue;
    apart.push_back(kind.name);
    state->start({kind.name}, kind.threads);
  }
  state->start(std::move(apart), state->options.threads, /*others=*/true);
}

Runner::~Runner() {
  for (auto& thread : state_->threads) thread.request_stop();
}

}  // namespace hearth::jobs
