// Notifications: the discussions in which something new concerns a user.
//
// 1. Concerned are: who opened the discussion or spoke in it, the repository's owner when that is a user, and whoever a
//    comment mentions as @name; never who did it.
// 2. A discussion is shown as long as the user may know of its repository.
// Source: the shape of the Hub's GET /api/notifications (huggingface.co/docs/hub/notifications).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/discussions.h"

namespace hearth::hub {

/// Part of the change that `by` makes in the discussion; `text` is the comment, when it is one.
Status notify(store::Transaction& transaction, const Repo& repo, const Caller& by, const Discussion& discussion,
              std::string_view text);

/// The names that a text mentions, each once, up to twenty: "@alice" at a word's beginning, not inside an address.
std::vector<std::string> mentions(std::string_view text);

struct Notification {
  Discussion discussion;
  Repo repo;
  bool mentioned = false;
  bool is_read = false;
  int64_t updated_ms = 0;
};
struct NotificationPage {
  std::vector<Notification> notifications;
  int64_t all = 0, unread = 0;  ///< of the user, whatever was asked
};
/// The caller's own, the latest first.
Result<NotificationPage> list_notifications(const Hub& hub, const Caller& caller, std::optional<bool> is_read,
                                            int64_t skip, int64_t limit);

/// Marks those of the caller's whose discussions have these ids; all of them when there are no ids.
Status mark_notifications(Hub& hub, const Caller& caller, const std::vector<std::string>& discussion_ids, bool is_read);

}  // namespace hearth::hub
