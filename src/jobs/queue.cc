#include "jobs/queue.h"

#include "base/clock.h"
#include "base/text.h"

namespace hearth::jobs {
namespace {

constexpr std::string_view kDue =
    "((state = 'waiting' AND run_at_ms <= $1) OR (state = 'running' AND lease_until_ms < $1))";
constexpr size_t kErrorMax = 2000;

// At most kErrorMax bytes, cut between characters.
std::string_view shown(std::string_view error) {
  if (error.size() <= kErrorMax) return error;
  size_t end = kErrorMax;
  while (end > 0 && (static_cast<unsigned char>(error[end]) & 0xc0) == 0x80) --end;
  return error.substr(0, end);
}

Job job_of(const store::Row& row) {
  return {.id = row[0].integer(),
          .kind = row[1].text(),
          .key = row[2].text(),
          .payload = Json::parse(row[3].text()).value_or(Json::Object()),
          .attempt = row[4].integer()};
}

}  // namespace

Status Queue::add(store::Transaction& transaction, const NewJob& job) {
  const auto now = now_ms();
  TRY(transaction.execute(
      "INSERT INTO jobs (kind, job_key, payload, run_at_ms, created_ms) VALUES ($1, $2, $3, $4, $5) "
      "ON CONFLICT (kind, job_key) WHERE state = 'waiting' AND job_key <> '' DO UPDATE SET payload = excluded.payload, "
      "run_at_ms = CASE WHEN jobs.run_at_ms < excluded.run_at_ms THEN jobs.run_at_ms ELSE excluded.run_at_ms END",
      {job.kind, job.key, job.payload.dump(), job.run_at_ms == 0 ? now : job.run_at_ms, now}));
  return {};
}

Status Queue::add(const NewJob& job) {
  auto transaction = TRY(db_->begin());
  TRY(add(transaction, job));
  return transaction.commit();
}

Result<std::optional<Job>> Queue::take(int64_t lease_ms, const Wanted& wanted) {
  const auto now = now_ms();
  std::vector<store::Value> values{now};
  const auto place = [&](store::Value value) {
    values.push_back(std::move(value));
    return cat("$", values.size());
  };
  auto due = std::string(kDue);
  std::vector<std::string> kinds;
  for (const auto& kind : wanted.kinds) kinds.push_back(place(kind));
  if (!kinds.empty()) due += cat(" AND kind ", wanted.others ? "NOT " : "", "IN (", join(kinds, ", "), ")");
  for (const auto& group : wanted.groups_not) due += cat(" AND job_key NOT LIKE ", place(cat(group, "/%")));
  while (true) {
    // A plain read first: an idle hub takes no write lock.
    const auto first =
        TRY(db_->query(cat("SELECT id FROM jobs WHERE ", due, " ORDER BY run_at_ms, id LIMIT 1"), values));
    if (first.empty()) return std::optional<Job>();
    auto transaction = TRY(db_->begin());
    const auto taken = TRY(transaction.execute(
        cat("UPDATE jobs SET state = 'running', attempts = attempts + 1, lease_until_ms = $2 WHERE id = $3 AND ", kDue),
        {now, now + lease_ms, first[0][0]}));
    if (taken == 0) continue;  // by another
    const auto row = TRY(
        transaction.query_one("SELECT id, kind, job_key, payload, attempts FROM jobs WHERE id = $1", {first[0][0]}));
    TRY(transaction.commit());
    return std::optional<Job>(job_of(*row));
  }
}

Status Queue::renew(const Job& job, int64_t lease_ms) {
  TRY(db_->execute("UPDATE jobs SET lease_until_ms = $2 WHERE id = $1 AND state = 'running'",
                   {job.id, now_ms() + lease_ms}));
  return {};
}

Status Queue::done(const Job& job) {
  TRY(db_->execute("DELETE FROM jobs WHERE id = $1", {job.id}));
  return {};
}

Status Queue::retry(const Job& job, std::string_view error, int64_t run_at_ms) {
  auto transaction = TRY(db_->begin());
  // The same work may have been asked for meanwhile: then that row is enough.
  if (!job.key.empty() &&
      TRY(transaction.query_one("SELECT 1 FROM jobs WHERE kind = $1 AND job_key = $2 AND state = 'waiting'",
                                {job.kind, job.key})))
    TRY(transaction.execute("DELETE FROM jobs WHERE id = $1", {job.id}));
  TRY(transaction.execute("UPDATE jobs SET state = 'waiting', run_at_ms = $2, error = $3 WHERE id = $1",
                          {job.id, run_at_ms, shown(error)}));
  return transaction.commit();
}

Status Queue::give_up(const Job& job, std::string_view error) {
  TRY(db_->execute("UPDATE jobs SET state = 'failed', error = $2 WHERE id = $1", {job.id, shown(error)}));
  return {};
}

Result<std::vector<JobRow>> Queue::list(std::string_view state, int64_t limit) const {
  std::vector<JobRow> out;
  for (const auto& row :
       TRY(db_->query("SELECT id, kind, job_key, payload, attempts, state, run_at_ms, error FROM jobs WHERE $1 = '' OR "
                      "state = $1 ORDER BY run_at_ms, id LIMIT $2",
                      {state, limit})))
    out.push_back({job_of(row), row[5].text(), row[6].integer(), row[7].text()});
  return out;
}

Status Queue::requeue(int64_t id) {
  const auto changed = TRY(
      db_->execute("UPDATE jobs SET state = 'waiting', attempts = 0, run_at_ms = $2 WHERE id = $1 AND state = 'failed'",
                   {id, now_ms()}));
  if (changed == 0) return Status(Code::not_found, cat("there is no failed job ", id));
  return {};
}

}  // namespace hearth::jobs
