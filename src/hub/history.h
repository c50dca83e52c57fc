// Commits, branches and tags of a repository.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct CommitInfo {
  std::string id;
  std::string title;    ///< first line
  std::string message;  ///< the rest
  std::string author;
  int64_t date_ms = 0;
};

struct CommitPage {
  std::vector<CommitInfo> commits;
  int64_t total = 0;
};
/// Newest first, `limit` from `skip` on.
Result<CommitPage> list_commits(const Hub& hub, const Repo& repo, std::string_view revision, int64_t skip,
                                int64_t limit);

struct RefInfo {
  std::string name;    ///< "main"
  std::string ref;     ///< "refs/heads/main"
  std::string target;  ///< commit id
};
struct Refs {
  std::vector<RefInfo> branches, tags, converts, pull_requests;
};
Result<Refs> list_refs(const Hub& hub, const Repo& repo);
/// The commit of refs/heads/main.
Result<std::string> head(const Hub& hub, const Repo& repo);

struct NewBranch {
  std::string start = {};  ///< a revision; empty: main
  bool empty = false;      ///< begins with a commit of its own, without files
  bool overwrite = false;  ///< another branch of that name is moved; never main
};
/// conflict when it exists, unless `overwrite`.
Status create_branch(const Hub& hub, const Repo& repo, const Caller& by, std::string_view name,
                     const NewBranch& wanted = {});
/// revision_not_found when absent; forbidden for main and protected ones.
Status delete_branch(const Hub& hub, const Repo& repo, const Caller& by, std::string_view name);
/// A tag at `revision`, annotated when there is a message; conflict when it exists.
Status create_tag(const Hub& hub, const Repo& repo, const User& by, std::string_view name, std::string_view revision,
                  std::string_view message);
Status delete_tag(const Hub& hub, const Repo& repo, const User& by, std::string_view name);

}  // namespace hearth::hub
