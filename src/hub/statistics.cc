#include "hub/statistics.h"

#include <cmath>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/catalog.h"

namespace hearth::hub {
namespace {

constexpr int64_t kDayMs = 86'400'000;
constexpr int64_t kDays = 30;
constexpr int64_t kWriteEveryMs = 5000;
constexpr size_t kPendingMax = 1000;
constexpr int64_t kSeenMs = 5 * 60'000;
constexpr size_t kSeenMax = 100'000;
constexpr int64_t kReposAtOnce = 2000;
constexpr double kHalfLifeDays = 7, kLikeWeight = 10;

int64_t today() {
  return now_ms() / kDayMs;
}

}  // namespace

DownloadCounter::~DownloadCounter() {
  if (const auto written = flush(); !written.ok())
    log(LogLevel::warning, "hub", cat("downloads are not counted: ", written.message()));
}

bool is_query_file(std::string_view path) {
  for (const std::string_view name : {"config.json", "config.yaml", "hyperparams.yaml", "params.json", "meta.yaml",
                                      "adapter_config.json", "model_index.json"})
    if (path == name) return true;
  return path.ends_with(".gguf");
}

Status DownloadCounter::add(const Repo& repo, std::string_view path, std::string_view client_address) {
  if (repo.kind == RepoKind::space || (repo.kind != RepoKind::dataset && !is_query_file(path))) return {};
  const bool due = pending_.with([&](Pending& pending) {
    const auto now = monotonic_ms();
    if (repo.kind == RepoKind::dataset) {
      if (pending.seen.size() >= kSeenMax)
        std::erase_if(pending.seen, [&](const auto& item) { return now - item.second >= kSeenMs; });
      if (pending.seen.size() >= kSeenMax) pending.seen.clear();
      const auto [found, added] = pending.seen.try_emplace({repo.id, std::string(client_address)}, now);
      if (!added && now - found->second < kSeenMs) return false;
      found->second = now;
    }
    ++pending.counts[repo.id];
    return pending.counts.size() >= kPendingMax || pending.written_ms == 0 || now - pending.written_ms >= kWriteEveryMs;
  });
  return due ? flush() : Status();
}

Status DownloadCounter::flush() {
  auto counts = pending_.with([&](Pending& pending) {
    pending.written_ms = monotonic_ms();
    return std::exchange(pending.counts, {});
  });
  if (counts.empty()) return {};
  const auto write = [&]() -> Status {
    auto transaction = TRY(db_.begin());
    for (const auto& [repo_id, count] : counts) {
      const auto changed = TRY(transaction.execute(
          "UPDATE repos SET downloads = downloads + $2, downloads_all_time = downloads_all_time + $2, "
          "trending = trending + $2 WHERE id = $1",
          {repo_id, count}));
      if (changed == 0) continue;  // deleted meanwhile
      TRY(
          transaction.execute("INSERT INTO repo_days (repo_id, day, downloads) VALUES ($1, $2, $3) ON CONFLICT "
                              "(repo_id, day) DO UPDATE SET downloads = repo_days.downloads + excluded.downloads",
                              {repo_id, today(), count}));
      TRY(note_change(transaction, repo_id));
    }
    return transaction.commit();
  };
  auto written = write();
  if (!written.ok())
    pending_.with([&](Pending& pending) {
      for (const auto& [repo_id, count] : counts) pending.counts[repo_id] += count;
    });
  return written;
}

int64_t trending_score(const std::map<int64_t, int64_t>& downloads_by_age,
                       const std::map<int64_t, int64_t>& likes_by_age) {
  double sum = 0;
  for (const auto& [age, count] : downloads_by_age)
    if (age < kDays) sum += static_cast<double>(count) * std::exp2(-static_cast<double>(age) / kHalfLifeDays);
  for (const auto& [age, count] : likes_by_age)
    if (age < kDays)
      sum += kLikeWeight * static_cast<double>(count) * std::exp2(-static_cast<double>(age) / kHalfLifeDays);
  return std::llround(sum);
}

Status update_statistics(store::Db& db, int64_t repo_id) {
  struct Counts {
    std::map<int64_t, int64_t> downloads, likes;  // by age
    int64_t downloads_before = 0, trending_before = 0;
  };
  const auto now = today();
  for (int64_t after = repo_id == 0 ? 0 : repo_id - 1;;) {
    std::map<int64_t, Counts> repos;
    const auto rows = TRY(db.query(
        "SELECT id, downloads, trending FROM repos WHERE id > $1 AND (downloads > 0 OR trending > 0 OR likes > 0) "
        "ORDER BY id LIMIT $2",
        {after, repo_id == 0 ? kReposAtOnce : 1}));
    if (rows.empty() || (repo_id != 0 && rows[0][0].integer() != repo_id)) return {};
    for (const auto& row : rows) {
      auto& counts = repos[row[0].integer()];
      counts.downloads_before = row[1].integer();
      counts.trending_before = row[2].integer();
    }
    const auto last = rows.back()[0].integer();
    for (const auto& row :
         TRY(db.query("SELECT repo_id, day, downloads FROM repo_days WHERE repo_id > $1 AND repo_id <= $2 AND day > $3",
                      {after, last, now - kDays})))
      if (const auto found = repos.find(row[0].integer()); found != repos.end())
        found->second.downloads[std::max<int64_t>(now - row[1].integer(), 0)] += row[2].integer();
    for (const auto& row :
         TRY(db.query("SELECT repo_id, created_ms FROM likes WHERE repo_id > $1 AND repo_id <= $2 AND created_ms > $3",
                      {after, last, (now - kDays) * kDayMs})))
      if (const auto found = repos.find(row[0].integer()); found != repos.end())
        ++found->second.likes[std::max<int64_t>(now - row[1].integer() / kDayMs, 0)];
    auto transaction = TRY(db.begin());
    bool changed = false;
    for (const auto& [id, counts] : repos) {
      int64_t downloads = 0;
      for (const auto& [age, count] : counts.downloads) downloads += count;
      const auto trending = trending_score(counts.downloads, counts.likes);
      if (downloads == counts.downloads_before && trending == counts.trending_before) continue;
      TRY(transaction.execute("UPDATE repos SET downloads = $2, trending = $3 WHERE id = $1",
                              {id, downloads, trending}));
      TRY(note_change(transaction, id));
      changed = true;
    }
    if (changed) TRY(transaction.commit());
    if (repo_id != 0) return {};
    after = last;
  }
}

}  // namespace hearth::hub
