// libgit2 as RAII types and Results; the only file that starts the library and reads its errors.
#pragma once

#include <git2.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::hub::git {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
template <class T, auto free>
using Owned = std::unique_ptr<T, Free<free>>;

using RepositoryPtr = Owned<git_repository, git_repository_free>;
using OdbPtr = Owned<git_odb, git_odb_free>;
using OdbObjectPtr = Owned<git_odb_object, git_odb_object_free>;
using ObjectPtr = Owned<git_object, git_object_free>;
using CommitPtr = Owned<git_commit, git_commit_free>;
using TreePtr = Owned<git_tree, git_tree_free>;
using TreeEntryPtr = Owned<git_tree_entry, git_tree_entry_free>;
using ReferencePtr = Owned<git_reference, git_reference_free>;
using ReferenceIteratorPtr = Owned<git_reference_iterator, git_reference_iterator_free>;
using RevwalkPtr = Owned<git_revwalk, git_revwalk_free>;
using SignaturePtr = Owned<git_signature, git_signature_free>;

/// Starts the library once, with objects and references synced to the disk and no configuration but the repository's
/// own.
void start_library();

/// The failure `code` of a libgit2 call: no_space for a full disk, not_found, conflict (exists), precondition (the
/// value moved), busy (locked by another), else io.
Status failure(int code, std::string_view what);

/// Opens the bare repository; not_found when there is none.
Result<RepositoryPtr> open(const std::string& folder);
/// A new bare repository whose HEAD is refs/heads/main.
Result<RepositoryPtr> create(const std::string& folder);

/// 40 hexadecimal digits.
std::string hex(const git_oid& oid);
/// Exactly 40 hexadecimal digits; nothing otherwise.
Result<git_oid> parse_oid(std::string_view hex);

Result<CommitPtr> commit(git_repository* repository, const git_oid& id);
Result<TreePtr> tree(git_repository* repository, const git_oid& id);
Result<OdbPtr> odb(git_repository* repository);

}  // namespace hearth::hub::git
