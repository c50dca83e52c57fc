// Events: a row for each change of state, written in the change's own transaction, read in order by whatever follows
// from it (webhooks, scans, mirrors, the catalog of other fronts).
//
// 1. Writers of the database come one after another, so the numbers of committed events only grow: a reader that has
//    seen N has seen all up to N.
// 2. A change in git (a commit, a push) is not in the database's transaction: its event follows at once, and for a main
//    that moved without one Hub::recover writes it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/hub.h"
#include "store/db.h"

namespace hearth::hub {

/// Kinds: repo.create, repo.delete, repo.move, repo.config, repo.content, repo.objects (large files came after the
/// commits that name them), discussion, discussion.comment and what other
/// parts add. `data` is an object; of repo.content {"updatedRefs": [{"ref", "oldSha", "newSha"}]} (null for an absent
/// side), of repo.create {"type", "name"}, of repo.delete besides {"private", "ownerId", "resourceGroupId"}, of
/// repo.move {"type", "from", "name"}, of repo.config the settings that changed.
struct Event {
  std::string kind;
  int64_t repo_id = 0;  ///< 0: of no repository
  std::string actor;    ///< a user's name; empty: the hub itself
  Json data = Json::Object();
};
struct StoredEvent {
  int64_t id = 0;
  int64_t at_ms = 0;
  Event event;
};

Status record_event(store::Transaction& transaction, const Event& event);
/// In a transaction of its own.
Status record_event(store::Db& db, const Event& event);
/// Those after number `id`, oldest first.
Result<std::vector<StoredEvent>> events_after(store::Db& db, int64_t id, int64_t limit);
Result<int64_t> last_event(store::Db& db);
/// Removes those older than `before_ms` that every reader has passed.
Status forget_events(store::Db& db, int64_t before_ms);

struct RefUpdate;
/// The event of a commit or push: these refs of the repository have moved.
Event content_event(const Repo& repo, std::string_view actor, std::span<const RefUpdate> updates);
/// Writes that event after references have moved. The move stands whatever becomes of the row: a failure is logged.
void note_moved_refs(const Hub& hub, const Repo& repo, std::string_view actor, std::span<const RefUpdate> updates);

}  // namespace hearth::hub
