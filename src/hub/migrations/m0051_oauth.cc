// OAuth applications, what users let them do, and what is under way between the two.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// Secrets, codes and tokens are stored as SHA-256. Lists are JSON. `chain`: the refresh tokens that came from one
// another; a second use of one ends them all. An access token is a row of `tokens` that knows its grant.
extern constinit const store::Migration m0051_oauth_entry{"oauth", R"sql(
CREATE TABLE oauth_apps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  client_id TEXT NOT NULL UNIQUE,
  secret_hash TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL,
  space_id INTEGER UNIQUE REFERENCES repos (id) ON DELETE CASCADE,
  first_party INTEGER NOT NULL DEFAULT 0,
  dynamic INTEGER NOT NULL DEFAULT 0,
  redirect_uris TEXT NOT NULL DEFAULT '[]',
  scopes TEXT NOT NULL DEFAULT 'openid profile',
  orgs TEXT NOT NULL DEFAULT '[]',
  token_minutes INTEGER NOT NULL DEFAULT 480,
  created_ms INTEGER NOT NULL
);
CREATE TABLE oauth_grants (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app_id INTEGER NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (owner_id) ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  used_ms INTEGER NOT NULL,
  UNIQUE (app_id, user_id)
);
CREATE TABLE oauth_codes (
  hash TEXT PRIMARY KEY,
  grant_id INTEGER NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
  redirect_uri TEXT NOT NULL,
  challenge TEXT NOT NULL,
  nonce TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  chain TEXT NOT NULL DEFAULT ''
);
CREATE TABLE oauth_devices (
  hash TEXT PRIMARY KEY,
  user_code TEXT NOT NULL UNIQUE,
  app_id INTEGER NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
  scopes TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied')),
  grant_id INTEGER REFERENCES oauth_grants (id) ON DELETE CASCADE,
  expires_ms INTEGER NOT NULL,
  polled_ms INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE oauth_refresh_tokens (
  hash TEXT PRIMARY KEY,
  grant_id INTEGER NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
  chain TEXT NOT NULL,
  scopes TEXT NOT NULL,
  expires_ms INTEGER NOT NULL,
  used_ms INTEGER
);
CREATE INDEX oauth_refresh_chain ON oauth_refresh_tokens (chain);
ALTER TABLE tokens ADD COLUMN oauth_grant_id INTEGER REFERENCES oauth_grants (id) ON DELETE CASCADE;
ALTER TABLE tokens ADD COLUMN oauth_scopes TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN oauth_chain TEXT NOT NULL DEFAULT '';
CREATE INDEX tokens_oauth_grant ON tokens (oauth_grant_id);
-- The client that huggingface_hub 2.4.0 names itself (constants.py DEVICE_CODE_OAUTH_CLIENT_ID): `hf auth login`.
INSERT INTO oauth_apps (client_id, name, first_party, scopes, token_minutes, created_ms) VALUES
  ('26be6b09-91c5-47da-9861-d2d2bb7a7e36', 'Hugging Face CLI', 1,
   'openid profile email read-repos gated-repos write-repos manage-repos inference-api write-discussions', 43200, 0);
)sql"};

}  // namespace hearth::hub::migrations
