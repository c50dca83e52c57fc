// Discussions and pull requests of repositories, and what happened in them.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// The author of a thing is null once the account is gone. Numbers are shared by discussions and pull requests of a
// repository and never used twice.
extern constinit const store::Migration m0070_discussions_entry{"discussions", R"sql(
CREATE TABLE discussion_numbers (
  repo_id INTEGER PRIMARY KEY REFERENCES repos (id) ON DELETE CASCADE,
  last INTEGER NOT NULL
);
CREATE TABLE discussions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  object_id TEXT NOT NULL UNIQUE,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  num INTEGER NOT NULL,
  title TEXT NOT NULL,
  author_id INTEGER REFERENCES owners (id) ON DELETE SET NULL,
  status TEXT NOT NULL CHECK (status IN ('draft', 'open', 'closed', 'merged')),
  is_pull_request INTEGER NOT NULL,
  pinned INTEGER NOT NULL DEFAULT 0,
  locked INTEGER NOT NULL DEFAULT 0,
  comments INTEGER NOT NULL DEFAULT 0,
  head TEXT NOT NULL DEFAULT '',
  merge_commit TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  UNIQUE (repo_id, num)
);
CREATE INDEX discussions_author ON discussions (author_id);
-- What the columns say by type: comment: body. status-change: body is the status. title-change: former, body.
-- commit: body is the subject, former the commit id, author_name git's author. pinning-change, locking-change: body
-- is 0 or 1.
CREATE TABLE discussion_events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  object_id TEXT NOT NULL UNIQUE,
  discussion_id INTEGER NOT NULL REFERENCES discussions (id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  author_id INTEGER REFERENCES owners (id) ON DELETE SET NULL,
  author_name TEXT NOT NULL DEFAULT '',
  body TEXT NOT NULL DEFAULT '',
  former TEXT NOT NULL DEFAULT '',
  hidden INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
);
CREATE INDEX discussion_events_discussion ON discussion_events (discussion_id);
-- What a comment said before each edit.
CREATE TABLE comment_edits (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id INTEGER NOT NULL REFERENCES discussion_events (id) ON DELETE CASCADE,
  author_id INTEGER REFERENCES owners (id) ON DELETE SET NULL,
  body TEXT NOT NULL,
  at_ms INTEGER NOT NULL
);
CREATE INDEX comment_edits_event ON comment_edits (event_id);
CREATE TABLE comment_reactions (
  event_id INTEGER NOT NULL REFERENCES discussion_events (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE,
  reaction TEXT NOT NULL,
  PRIMARY KEY (event_id, user_id, reaction)
);
)sql"};

}  // namespace hearth::hub::migrations
