// Webhooks: addresses that are told of events, what they watch, and every telling.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// `domains` is a list with spaces between. `endpoint` is the hub's own address as the webhook's owner last used it: the
// payload's addresses begin with it. Events up to `since_event` were before it. A delivery is one event for one
// webhook, whatever job tells it how often.
extern constinit const store::Migration m0073_webhooks_entry{"webhooks", R"sql(
CREATE TABLE webhooks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  object_id TEXT NOT NULL UNIQUE,
  user_id INTEGER NOT NULL REFERENCES users (owner_id) ON DELETE CASCADE,
  url TEXT NOT NULL,
  secret TEXT NOT NULL DEFAULT '',
  domains TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  disabled INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  since_event INTEGER NOT NULL,
  created_ms INTEGER NOT NULL
);
CREATE INDEX webhooks_user ON webhooks (user_id);
CREATE TABLE webhook_watched (
  webhook_id INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  type TEXT NOT NULL,
  name TEXT NOT NULL COLLATE NOCASE,
  PRIMARY KEY (webhook_id, position)
);
CREATE INDEX webhook_watched_name ON webhook_watched (name);
CREATE TABLE webhook_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  object_id TEXT NOT NULL UNIQUE,
  webhook_id INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  event_id INTEGER,
  scope TEXT NOT NULL,
  action TEXT NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  status INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  tried_ms INTEGER,
  UNIQUE (webhook_id, event_id)
);
)sql"};

}  // namespace hearth::hub::migrations
