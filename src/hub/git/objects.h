// Writing git objects: collected in memory first, then all of them durably, so that nothing is written for a commit
// that turns out to be wrong. Source: git's pack-format and `git cat-file` object layouts.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/git/git.h"

namespace hearth::hub::git {

/// Objects that are not written yet.
class ObjectBatch {
 public:
  /// Remembers an object and returns its id.
  git_oid add(git_object_t type, std::string bytes);
  /// Writes and syncs all: loose when few, one pack when many (a file and a sync each would take seconds).
  Status write(git_repository* repository) const;
  size_t size() const { return objects_.size(); }

 private:
  struct Object {
    git_object_t type;
    git_oid id;
    std::string bytes;
  };
  Status write_loose(git_odb* odb) const;
  Status write_pack(git_odb* odb) const;
  std::vector<Object> objects_;
};

struct Node {
  git_filemode_t mode = GIT_FILEMODE_BLOB;
  git_oid id{};
  bool is_folder() const { return mode == GIT_FILEMODE_TREE; }
};

/// A tree being changed. Folders are read when first entered, and only changed ones are written.
class TreeEditor {
 public:
  /// Begins with the tree `root`, or empty.
  TreeEditor(git_repository* repository, const git_oid* root);
  ~TreeEditor();

  Result<std::optional<Node>> find(std::string_view path);
  /// Puts a blob or a tree there, replacing the same kind. bad_input when a file is where a folder must be, or a folder
  /// where a file must be.
  Status put(std::string_view path, Node node);
  /// entry_not_found when absent. Folders that become empty vanish, as git has none.
  Status remove(std::string_view path);
  /// Adds the changed trees to the batch and returns the root's id.
  Result<git_oid> write(ObjectBatch& batch);

 private:
  struct Folder;
  struct Child;
  Status load(Folder& folder);
  Result<git_oid> write(Folder& folder, ObjectBatch& batch);
  git_repository* repository_;
  std::unique_ptr<Folder> root_;
};

/// The text of a commit object. Names must hold no `<`, `>` or line end.
std::string commit_text(const git_oid& tree, const git_oid* parent, std::string_view name, std::string_view email,
                        int64_t time_s, std::string_view message);

}  // namespace hearth::hub::git
