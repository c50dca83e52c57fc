#include "hub/events.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/catalog.h"
#include "hub/push.h"

namespace hearth::hub {
namespace {

constexpr std::string_view kInsert =
    "INSERT INTO events (at_ms, kind, repo_id, actor, data) VALUES ($1, $2, $3, $4, $5)";

Json side(std::string_view id) {
  return id.find_first_not_of('0') == std::string_view::npos ? Json() : Json(id);
}

}  // namespace

Status record_event(store::Transaction& transaction, const Event& event) {
  TRY(transaction.execute(kInsert, {now_ms(), event.kind, event.repo_id, event.actor, event.data.dump()}));
  if (event.repo_id != 0) TRY(note_change(transaction, event.repo_id));
  return {};
}

Status record_event(store::Db& db, const Event& event) {
  auto transaction = TRY(db.begin());
  TRY(record_event(transaction, event));
  return transaction.commit();
}

Result<std::vector<StoredEvent>> events_after(store::Db& db, int64_t id, int64_t limit) {
  std::vector<StoredEvent> out;
  for (const auto& row : TRY(db.query(
           "SELECT id, at_ms, kind, repo_id, actor, data FROM events WHERE id > $1 ORDER BY id LIMIT $2", {id, limit})))
    out.push_back({.id = row[0].integer(),
                   .at_ms = row[1].integer(),
                   .event = {.kind = row[2].text(),
                             .repo_id = row[3].integer(),
                             .actor = row[4].text(),
                             .data = Json::parse(row[5].text()).value_or(Json::Object())}});
  return out;
}

Result<int64_t> last_event(store::Db& db) {
  const auto row = TRY(db.query_one("SELECT coalesce(max(id), 0) FROM events"));
  return (*row)[0].integer();
}

Status forget_events(store::Db& db, int64_t before_ms) {
  TRY(db.execute("DELETE FROM events WHERE at_ms < $1 AND id <= (SELECT coalesce(min(event_id), 0) FROM event_cursors)",
                 {before_ms}));
  return {};
}

Event content_event(const Repo& repo, std::string_view actor, std::span<const RefUpdate> updates) {
  Json::Array refs;
  for (const auto& update : updates)
    refs.emplace_back(
        Json::Object{{"ref", update.ref}, {"oldSha", side(update.old_id)}, {"newSha", side(update.new_id)}});
  return {.kind = "repo.content",
          .repo_id = repo.id,
          .actor = std::string(actor),
          .data = Json::Object{{"updatedRefs", std::move(refs)}}};
}

void note_moved_refs(const Hub& hub, const Repo& repo, std::string_view actor, std::span<const RefUpdate> updates) {
  if (updates.empty()) return;
  if (const auto noted = record_event(hub.db(), content_event(repo, actor, updates)); !noted.ok())
    log(LogLevel::warning, "hub", cat("event of ", repo.full_name(), ": ", noted.message()));
}

}  // namespace hearth::hub
