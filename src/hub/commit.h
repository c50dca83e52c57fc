// Commits through the API: a list of operations becomes one git commit, or nothing at all.
//
// 1. Everything is checked before the first object is written: paths, hashes, sizes, that big files are stored.
// 2. Objects are synced before the ref moves, the ref before the answer.
// 3. The ref moves only from the commit that was read: whoever comes second is told (precondition) and nothing changes.
// Source: huggingface_hub 2.4.0 _commit_api.py (the payload).
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct PutFile {
  std::string path;
  std::string bytes;
};
struct PutLfsFile {
  std::string path;
  std::string sha256;
  std::optional<uint64_t> size_bytes;  ///< checked against the stored file when given
};
struct DeleteFile {
  std::string path;
};
struct DeleteFolder {
  std::string path;
};
/// A file or folder of the same repository, by git id: no bytes move.
struct CopyPath {
  std::string from_path;
  std::string from_revision;  ///< empty: the commit's own branch
  std::string path;
};
using Operation = std::variant<PutFile, PutLfsFile, DeleteFile, DeleteFolder, CopyPath>;

struct NewCommit {
  std::string branch;  ///< "main", "refs/heads/x" or "refs/pr/N"
  std::string summary;
  std::string description;
  std::string parent;  ///< when set, the branch must be at it (a full or short id)
  std::vector<Operation> operations;
};

struct CommitDone {
  std::string id;
  std::string ref;      ///< the full name of the branch
  bool changed = true;  ///< false: the files were so already, `id` is the head
};

/// The largest file that git itself holds; bigger ones belong into the store.
inline constexpr uint64_t kRegularLimit = 10u << 20;

/// bad_input (bad path, unknown object, nothing to do), entry_not_found (deleting what is not there),
/// revision_not_found, precondition (the branch moved), no_space.
Result<CommitDone> create_commit(Hub& hub, const Repo& repo, const Caller& author, const NewCommit& commit);

}  // namespace hearth::hub
