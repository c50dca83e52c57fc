#include "server/background.h"

#include "base/text.h"
#include "hub/events.h"
#include "jobs/runner.h"
#include "server/jobs_registry.h"

namespace hearth::server {
namespace {

constexpr std::string_view kReader = "jobs";
constexpr int64_t kBatch = 500;

bool started_by(const jobs::JobKind& kind, std::string_view event) {
  for (const auto wanted : kind.events)
    if (event == wanted || (wanted.ends_with('.') && event.starts_with(wanted))) return true;
  return false;
}

Json payload_of(const hub::StoredEvent& stored) {
  return Json::Object{{"event", stored.id},          {"at_ms", stored.at_ms},
                      {"kind", stored.event.kind},   {"repo_id", stored.event.repo_id},
                      {"actor", stored.event.actor}, {"data", stored.event.data}};
}

Status enqueue(store::Transaction& transaction, const hub::StoredEvent& stored) {
  for (const auto* kind : jobs::entries()) {
    if (!started_by(*kind, stored.event.kind)) continue;
    const auto key = kind->per == jobs::Per::repo ? cat("repo:", stored.event.repo_id) : cat("event:", stored.id);
    TRY(hearth::jobs::Queue::add(transaction,
                                 {.kind = std::string(kind->kind), .key = key, .payload = payload_of(stored)}));
  }
  return {};
}

// Whether all were read.
Result<bool> dispatch_batch(store::Db& db) {
  const auto seen = TRY(db.query_one("SELECT event_id FROM event_cursors WHERE reader = $1", {kReader}));
  const auto from = seen ? (*seen)[0].integer() : 0;
  if (TRY(hub::last_event(db)) <= from) return true;
  auto transaction = TRY(db.begin());
  // Under the write lock: another front may have been here first.
  const auto now_seen = TRY(transaction.query_one("SELECT event_id FROM event_cursors WHERE reader = $1", {kReader}));
  if ((now_seen ? (*now_seen)[0].integer() : 0) != from) return false;
  const auto events = TRY(hub::events_after(db, from, kBatch));
  if (events.empty()) return true;
  for (const auto& stored : events) TRY(enqueue(transaction, stored));
  TRY(transaction.execute(
      "INSERT INTO event_cursors (reader, event_id) VALUES ($1, $2) ON CONFLICT (reader) DO UPDATE SET event_id = "
      "excluded.event_id",
      {kReader, events.back().id}));
  TRY(transaction.commit());
  return events.size() < static_cast<size_t>(kBatch);
}

}  // namespace

Status dispatch_events(store::Db& db) {
  while (!TRY(dispatch_batch(db))) {
  }
  return {};
}

Background::Background(const Services& services) {
  std::vector<hearth::jobs::Kind> kinds;
  for (const auto* entry : jobs::entries())
    kinds.push_back({.name = std::string(entry->kind),
                     .run = [entry, &services](const hearth::jobs::Job& job,
                                               std::stop_token stop) { return entry->run(services, job, stop); },
                     .attempts_max = entry->attempts_max,
                     .every_ms = entry->every_s * 1000,
                     .threads = entry->threads});
  runner_ = std::make_unique<hearth::jobs::Runner>(
      services.hub.db(), std::move(kinds),
      hearth::jobs::RunnerOptions{.feed = [&services] { return dispatch_events(services.hub.db()); }});
}

Background::~Background() = default;

}  // namespace hearth::server
