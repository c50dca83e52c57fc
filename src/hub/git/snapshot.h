// A repository opened at one commit: what all readers begin with.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/git/git.h"
#include "hub/tree.h"

namespace hearth::hub::git {

/// Branch, tag (peeled), `refs/...`, commit id of 40 digits or at least 7: the commit. revision_not_found otherwise.
Result<git_oid> resolve(git_repository* repository, std::string_view revision);

/// The repository's git folder; repo_not_found when it was deleted meanwhile.
Result<RepositoryPtr> open(const Hub& hub, const Repo& repo);

struct Snapshot {
  RepositoryPtr repository;
  OdbPtr odb;
  CommitPtr commit;
  TreePtr root;
  std::string commit_id;
};
Result<Snapshot> snapshot(const Hub& hub, const Repo& repo, std::string_view revision);

/// The blob's or tree's entry with its size; a pointer is read as the big file that it names.
Result<TreeEntry> describe(git_odb* odb, std::string path, git_filemode_t mode, const git_oid& id);

/// The entry at a path, or entry_not_found.
Result<TreeEntry> entry_at(const Snapshot& snapshot, std::string_view path);

/// All files below the root in git's order, folders left out; stops after `limit`.
Result<std::vector<TreeEntry>> all_files(const Snapshot& snapshot, size_t limit);

/// A blob's bytes; too_large over `max_bytes`.
Result<std::string> read_blob(git_odb* odb, const git_oid& id, uint64_t max_bytes);

/// What an earlier search found, by path: at commit `seen` the path had this content, and `commit` had given it.
struct KnownCommit {
  std::string content, seen;
  CommitSummary commit;
};
using KnownCommits = std::map<std::string, KnownCommit>;

struct CommitSearch {
  int looked_at = 0;     ///< commits
  bool is_exact = true;  ///< else some commits are older than the search goes
};
/// Sets last_commit of each: the newest commit that gave the path its present content. A straight history (no merges)
/// is searched only down to where `known` has the answer.
Result<CommitSearch> find_last_commits(const Snapshot& snapshot, std::vector<TreeEntry>& entries,
                                       const KnownCommits& known = {});

}  // namespace hearth::hub::git
