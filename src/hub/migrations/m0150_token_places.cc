// The networks that each token was used from.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0150_token_places_entry{"token_places", R"sql(
CREATE TABLE token_places (
  token_id INTEGER NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
  network TEXT NOT NULL,
  first_ms INTEGER NOT NULL,
  PRIMARY KEY (token_id, network)
);
)sql"};

}  // namespace hearth::hub::migrations
