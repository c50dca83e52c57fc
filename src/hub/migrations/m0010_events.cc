// What happened, in order, and the durable queue of work that follows from it.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// An event outlives its repository: repo_id is no reference. A waiting job with a key is there once.
extern constinit const store::Migration m0010_events_entry{"events and jobs", R"sql(
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  repo_id INTEGER NOT NULL DEFAULT 0,
  actor TEXT NOT NULL DEFAULT '',
  data TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX events_repo ON events (repo_id, id);
CREATE TABLE event_cursors (
  reader TEXT PRIMARY KEY,
  event_id INTEGER NOT NULL
);
CREATE TABLE jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  job_key TEXT NOT NULL DEFAULT '',
  payload TEXT NOT NULL DEFAULT '{}',
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'failed')),
  run_at_ms INTEGER NOT NULL,
  lease_until_ms INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL
);
CREATE INDEX jobs_due ON jobs (state, run_at_ms);
CREATE UNIQUE INDEX jobs_waiting ON jobs (kind, job_key) WHERE state = 'waiting' AND job_key <> '';
)sql"};

}  // namespace hearth::hub::migrations
