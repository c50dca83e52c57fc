// The Hub: accounts, repositories and their files in one data folder. No HTTP here.
//
//   DATA/hearth.db             accounts, repository rows, the search index
//   DATA/repos/models/7.git    bare git repositories, by row number: a rename moves no files
//   DATA/objects/              big files by content (store/blobs.h)
//   DATA/hearth.toml           where these lie when it is elsewhere (hub/configuration.h)
//
// 1. git is the truth of files and refs; the index in the database is derived from it and can always be made again.
// 2. A repository's row is visible only once its git repository exists; deletion hides the row first.
// 3. Writers of one repository, in any process, hold its lock; refs move by compare and swap besides, since git itself
//    (a push) does not take our lock.
// 4. An acknowledged commit is on the disk: objects and refs are synced first.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/accounts.h"
#include "hub/repo.h"
#include "hub/repo_id.h"
#include "store/blobs.h"
#include "store/db.h"

namespace hearth::hub {

struct NewRepo {
  RepoId id;
  bool is_private = false;
  bool is_protected = false;      ///< of a Space, which then is private as well
  std::string license;            ///< for the card, when not empty
  std::string sdk;                ///< of a Space: gradio, streamlit, docker, static
  std::string author;             ///< of the first commit; empty: the owner
  int64_t creator_id = 0;         ///< the user who makes it
  int64_t resource_group_id = 0;  ///< of the owning organisation; 0: none
  /// A repository whose branches, tags, files and gate the new one begins with, in place of a first commit.
  std::optional<Repo> source = {};
  int64_t lfs_multipart_bytes = 0;  ///< LFS uploads over this go in parts; 0: the hub's own limit
};

/// A stored file and where a commit or push put it.
struct StoredFilePlace {
  std::string sha256;
  std::string path = {};
  std::string ref = {};     ///< full name
  uint64_t size_bytes = 0;  ///< 0: to be looked up
};

struct RepoSettings {
  std::optional<bool> is_private;
  bool is_protected = false;         ///< counts where is_private is set
  std::optional<std::string> gated;  ///< "", "auto" or "manual"
};

class Catalog;
class DownloadCounter;

/// A hub on a data folder. Thread-safe; several processes may have the same folder open.
class Hub {
 public:
  ~Hub();
  /// Opens or creates the folder.
  static Result<std::unique_ptr<Hub>> open(const std::string& folder);

  const std::string& folder() const { return folder_; }
  /// Where the git repositories lie: models/, datasets/, spaces/.
  const std::string& repositories() const { return repositories_; }
  store::Db& db() const { return *db_; }
  const store::Blobs& blobs() const { return *blobs_; }
  Accounts& accounts() const { return *accounts_; }
  /// Every repository in memory, for lists and searches.
  Catalog& catalog() const { return *catalog_; }

  /// Finishes what a crash interrupted, then `catch_up`.
  Status recover();
  /// The first half, before anything is served: folders of repositories that never were, unfinished uploads.
  Status remove_unfinished();
  /// The second half, which may take its time: events and indexes of repositories whose main has moved without them.
  Status catch_up(const std::stop_token& stop);

  /// Creates the row and a git repository with its first commit. conflict when the name is taken.
  Result<Repo> create_repo(const NewRepo& wanted);
  /// In any letter case, also by a former name after a move, or (with an empty owner) by a short name: compare
  /// `full_name()` to redirect. repo_not_found otherwise.
  Result<Repo> repo(const RepoId& id) const;
  Result<Repo> repo_by_number(int64_t number) const;
  /// `actor` here and below: the user who does it, for the event; empty: the hub itself.
  Status delete_repo(const Repo& repo, std::string_view actor = {});
  /// conflict when the new name is taken; the old one leads to the repository from then on.
  Result<Repo> move_repo(const Repo& repo, const RepoId& to, std::string_view actor = {});
  /// A name without an owner (the public Hub's "gpt2") that leads to the repository; null takes it away.
  Status set_short_name(RepoKind kind, std::string_view name, const Repo* repo);
  Status update_settings(const Repo& repo, const RepoSettings& settings, std::string_view actor = {});
  /// Counts a request for a file, if it is one that counts as a download of the repository (hub/statistics.h).
  Status count_download(const Repo& repo, std::string_view path, std::string_view client_address);
  Status flush_downloads();

  /// The bare git repository.
  std::string git_folder(const Repo& repo) const;

  /// 32 random bytes under a name, the same for every front of this hub; made when first asked for.
  Result<std::string> secret(std::string_view name);

  /// Says that the repository's holders may use this stored file; forbidden beyond the owner's quota (hub/owners.h).
  Status link_object(const Repo& repo, std::string_view sha256);
  /// The same of several at once; the first place of each is remembered.
  Status link_objects(const Repo& repo, std::span<const StoredFilePlace> files);
  /// Is the object stored, and linked to this repository or to one whose content the caller may read? Knowing a hash
  /// alone gives no access to somebody else's file.
  Result<bool> may_use_object(const Caller& caller, const Repo& repo, std::string_view sha256) const;

 private:
  Hub(std::string folder, std::string repositories, std::unique_ptr<store::Db> db, std::unique_ptr<store::Blobs> blobs);
  std::string folder_, repositories_;
  std::unique_ptr<store::Db> db_;
  std::unique_ptr<store::Blobs> blobs_;
  std::unique_ptr<Accounts> accounts_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<DownloadCounter> downloads_;
};

}  // namespace hearth::hub
