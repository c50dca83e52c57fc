// Rewriting all history of a repository as if some files had never been in it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "hub/git/git.h"

namespace hearth::hub::git {

struct RefMove {
  std::string ref, old_id, new_id;
};

/// Drops every blob for which `drop` holds from every tree, writes the new trees, commits and tags, and moves the
/// references under refs/ that led to a changed one. Authors, times and messages stay; signatures go, as they would not
/// hold. Writers must be kept out.
Result<std::vector<RefMove>> drop_blobs(git_repository* repository,
                                        const std::function<Result<bool>(const git_oid&)>& drop);

}  // namespace hearth::hub::git
