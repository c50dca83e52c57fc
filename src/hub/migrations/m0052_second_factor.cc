// Second factors, recovery codes, failed sign-ins, and accounts of outside sign-in providers.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

// `last_step`: the newest time step whose code was used; none works twice. `kind` of login_failures: whom it counts
// for.
extern constinit const store::Migration m0052_second_factor_entry{"second factor", R"sql(
CREATE TABLE totp_secrets (
  user_id INTEGER PRIMARY KEY REFERENCES users (owner_id) ON DELETE CASCADE,
  secret TEXT NOT NULL,
  confirmed INTEGER NOT NULL DEFAULT 0,
  last_step INTEGER NOT NULL DEFAULT 0,
  created_ms INTEGER NOT NULL
);
CREATE TABLE recovery_codes (
  user_id INTEGER NOT NULL REFERENCES users (owner_id) ON DELETE CASCADE,
  hash TEXT NOT NULL,
  PRIMARY KEY (user_id, hash)
);
CREATE TABLE login_failures (
  subject TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  first_ms INTEGER NOT NULL
);
CREATE TABLE login_providers (
  name TEXT PRIMARY KEY,
  label TEXT NOT NULL,
  issuer TEXT NOT NULL,
  client_id TEXT NOT NULL,
  client_secret TEXT NOT NULL,
  settings TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE login_identities (
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  user_id INTEGER NOT NULL REFERENCES users (owner_id) ON DELETE CASCADE,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
);
)sql"};

}  // namespace hearth::hub::migrations
