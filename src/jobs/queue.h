// The durable queue of work: a row a job, taken under a lease, tried again after a failure.
//
//   waiting --take--> running --done--> (no row)
//      ^                 |  \--give_up--> failed (kept, with its error)
//      +----retry--------+
//
// 1. A job whose runner died is taken again when its lease is over: jobs must bear being run twice.
// 2. A waiting job with a key is there once: adding it again replaces its payload and keeps the earlier time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "store/db.h"

namespace hearth::jobs {

struct NewJob {
  std::string kind;
  std::string key;  ///< empty: every job of its own
  Json payload = Json::Object();
  int64_t run_at_ms = 0;  ///< 0: now
};

struct Job {
  int64_t id = 0;
  std::string kind;
  std::string key;
  Json payload;
  int64_t attempt = 1;  ///< 1 for the first
};

struct JobRow {
  Job job;
  std::string state;  ///< waiting, running or failed
  int64_t run_at_ms = 0;
  std::string error;  ///< of the last attempt
};

/// Which jobs to take.
struct Wanted {
  std::vector<std::string> kinds = {};
  bool others = true;                        ///< all kinds but those, instead of those
  std::vector<std::string> groups_not = {};  ///< none whose key begins with one of these and a slash
};

/// A view of the hub's database, as cheap as a pointer. Thread-safe.
class Queue {
 public:
  explicit Queue(store::Db& db) : db_(&db) {}

  Status add(const NewJob& job);
  /// As part of a change: the job exists if and only if the change does.
  static Status add(store::Transaction& transaction, const NewJob& job);

  /// The job that is due longest, now running for `lease_ms`; nothing when none is due.
  Result<std::optional<Job>> take(int64_t lease_ms, const Wanted& wanted = {});
  Status renew(const Job& job, int64_t lease_ms);
  Status done(const Job& job);
  Status retry(const Job& job, std::string_view error, int64_t run_at_ms);
  Status give_up(const Job& job, std::string_view error);

  /// The rows in a state (all when empty), soonest first.
  Result<std::vector<JobRow>> list(std::string_view state, int64_t limit) const;
  /// A failed job waits again; not_found when there is none of that number.
  Status requeue(int64_t id);

 private:
  store::Db* db_;
};

}  // namespace hearth::jobs
