// The words of repositories' names, cards and file names, for full-text search.
#include "hub/migrations_registry.h"

namespace hearth::hub::migrations {

extern constinit const store::Migration m0082_words_entry{"words", R"sql(
CREATE TABLE repo_words (
  word TEXT NOT NULL,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  weight INTEGER NOT NULL,
  PRIMARY KEY (word, repo_id)
);
CREATE INDEX repo_words_repo ON repo_words (repo_id);
)sql"};

}  // namespace hearth::hub::migrations
