// The catalog: every repository in memory, so that lists and searches of a million answer in milliseconds.
//
// 1. The database is the truth. The catalog is read from it at the first question, and follows `repo_changes`: whoever
//    changes a row of `repos` or `repo_index` notes the repository's number there, in the same transaction.
// 2. Each question first reads the notes that are new (usually none: a few microseconds), so that an answer knows of
//    every change committed before it was asked, by whichever process.
// 3. Who may know of a repository is check_access's to say; the catalog asks it for private ones, and knows itself that
//    public ones are everybody's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/index.h"

namespace hearth::hub {

/// What the catalog knows of a repository.
struct CatalogEntry {
  Repo repo;
  std::string head;  ///< commit id of main
  std::string pipeline_tag, library_name;
  std::vector<std::string> tags;
  std::vector<std::string> links;  ///< "models:owner/name", "datasets:owner/name" of a Space; "architecture:llama"
  int64_t parameters = 0;          ///< of a model; 0: not known
  int64_t used_storage_bytes = 0;
};

struct CatalogPage {
  std::vector<CatalogEntry> entries;
  std::string next;  ///< cursor of the next page, empty on the last
};

/// Thread-safe. Memory: about 500 bytes for a repository.
class Catalog {
 public:
  explicit Catalog(store::Db& db);
  ~Catalog();

  /// Reads the database now rather than at the first question.
  Status load();
  /// One page of what the caller may know of.
  Result<CatalogPage> find(const Caller& caller, const RepoQuery& query);
  /// How many of a kind the caller may know of.
  Result<int64_t> count(const Caller& caller, RepoKind kind);
  /// How many public repositories of a kind have the tag (or "\x01" and a link).
  Result<int64_t> count_tagged(RepoKind kind, std::string_view tag);
  /// The tags of a kind's public repositories, most used first.
  Result<std::vector<TagCount>> tags(RepoKind kind);
  /// Bytes of memory, roughly.
  size_t memory_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Notes that a repository's row, index or counts have changed: part of each such transaction.
Status note_change(store::Transaction& transaction, int64_t repo_id);
/// Removes the notes that every catalog has read (those of yesterday).
Status forget_changes(store::Db& db);

}  // namespace hearth::hub
