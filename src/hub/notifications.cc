#include "hub/notifications.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/discussion_rows.h"

namespace hearth::hub {
namespace {

constexpr size_t kMentionsMax = 20, kNameMax = 96;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

}  // namespace

std::vector<std::string> mentions(std::string_view text) {
  std::vector<std::string> out;
  for (size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    if (at > 0 && (is_name_char(text[at - 1]) || text[at - 1] == '/' || text[at - 1] == '@')) continue;
    auto name = text.substr(at + 1, kNameMax);
    name = name.substr(0, static_cast<size_t>(std::find_if_not(name.begin(), name.end(), is_name_char) - name.begin()));
    while (name.ends_with('.') || name.ends_with('-')) name.remove_suffix(1);  // of the sentence
    if (name.empty() || std::find(out.begin(), out.end(), name) != out.end()) continue;
    out.emplace_back(name);
    if (out.size() == kMentionsMax) break;
  }
  return out;
}

Status notify(store::Transaction& transaction, const Repo& repo, const Caller& by, const Discussion& discussion,
              std::string_view text) {
  const auto now = now_ms();
  TRY(transaction.execute(
      "INSERT INTO notifications (user_id, discussion_id, updated_ms) SELECT users.owner_id, $1, $2 FROM users WHERE "
      "users.owner_id <> $3 AND (users.owner_id IN ($4, $5) OR users.owner_id IN (SELECT author_id FROM "
      "discussion_events WHERE discussion_id = $1)) ON CONFLICT (user_id, discussion_id) DO UPDATE SET updated_ms = "
      "excluded.updated_ms, is_read = 0",
      {discussion.id, now, by.user->id, repo.owner_id, discussion.author.id}));
  for (const auto& name : mentions(text))
    TRY(transaction.execute(
        "INSERT INTO notifications (user_id, discussion_id, mentioned, updated_ms) SELECT users.owner_id, $1, 1, $2 "
        "FROM "
        "users JOIN owners ON owners.id = users.owner_id WHERE owners.name = $3 AND users.owner_id <> $4 ON CONFLICT "
        "(user_id, discussion_id) DO UPDATE SET updated_ms = excluded.updated_ms, mentioned = 1, is_read = 0",
        {discussion.id, now, name, by.user->id}));
  return {};
}

Result<NotificationPage> list_notifications(const Hub& hub, const Caller& caller, std::optional<bool> is_read,
                                            int64_t skip, int64_t limit) {
  VERIFY(caller.user.has_value(), "notifications are a user's");
  const auto visible = visible_condition(caller);
  NotificationPage out;
  const auto counts = TRY(
      hub.db().query_one(cat("SELECT count(*), coalesce(sum(1 - n.is_read), 0) FROM notifications n JOIN discussions "
                             "d ON d.id = n.discussion_id JOIN repos ON repos.id = d.repo_id WHERE n.user_id = $1 AND ",
                             visible),
                         {caller.user->id}));
  out.all = (*counts)[0].integer();
  out.unread = (*counts)[1].integer();
  const auto rows = TRY(hub.db().query(
      cat("SELECT ", kDiscussionColumns,
          ", n.mentioned, n.is_read, n.updated_ms FROM notifications n JOIN discussions d ON d.id = n.discussion_id "
          "LEFT "
          "JOIN owners a ON a.id = d.author_id JOIN repos ON repos.id = d.repo_id WHERE n.user_id = $1 AND ",
          visible, is_read ? (*is_read ? " AND n.is_read = 1" : " AND n.is_read = 0") : "",
          " ORDER BY n.updated_ms DESC, d.id DESC LIMIT $2 OFFSET $3"),
      {caller.user->id, limit, skip}));
  for (const auto& row : rows) {
    auto discussion = discussion_of(row);
    auto repo = hub.repo_by_number(discussion.repo_id);
    if (!repo.ok()) continue;  // deleted a moment ago
    const size_t more = row.size() - 3;
    out.notifications.push_back({.discussion = std::move(discussion),
                                 .repo = *std::move(repo),
                                 .mentioned = row[more].boolean(),
                                 .is_read = row[more + 1].boolean(),
                                 .updated_ms = row[more + 2].integer()});
  }
  return out;
}

Status mark_notifications(Hub& hub, const Caller& caller, const std::vector<std::string>& discussion_ids,
                          bool is_read) {
  VERIFY(caller.user.has_value(), "notifications are a user's");
  if (discussion_ids.empty()) {
    TRY(hub.db().execute("UPDATE notifications SET is_read = $2 WHERE user_id = $1", {caller.user->id, is_read}));
    return {};
  }
  auto transaction = TRY(hub.db().begin());
  for (const auto& id : discussion_ids)
    TRY(
        transaction.execute("UPDATE notifications SET is_read = $2 WHERE user_id = $1 AND discussion_id IN (SELECT id "
                            "FROM discussions WHERE "
                            "object_id = $3)",
                            {caller.user->id, is_read, id}));
  return transaction.commit();
}

}  // namespace hearth::hub
