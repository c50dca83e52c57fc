// What a user should look at: one row for each discussion, renewed when something happens in it.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0074_notifications_entry{"notifications", R"sql(
CREATE TABLE notifications (
  user_id INTEGER NOT NULL REFERENCES users (owner_id) ON DELETE CASCADE,
  discussion_id INTEGER NOT NULL REFERENCES discussions (id) ON DELETE CASCADE,
  mentioned INTEGER NOT NULL DEFAULT 0,
  is_read INTEGER NOT NULL DEFAULT 0,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (user_id, discussion_id)
);
CREATE INDEX notifications_updated ON notifications (user_id, updated_ms);
)sql"};

}  // namespace hearth::hub::migrations
