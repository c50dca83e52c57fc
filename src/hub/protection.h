// Protected branches: names or patterns whose history nobody rewrites. `main` is protected in that it is never deleted.
//
// 1. A protected branch is not deleted and moves forward only; with push = "admin" only the repository's
//    administrators (Right::govern) move it. Only they change the list.
// 2. Without a pattern for it, main may be force-pushed by whoever may write, as on the public Hub.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct ProtectedBranch {
  std::string pattern;      ///< of a branch's name, as git's ref patterns: `*` within a part, `**` across
  bool admin_only = false;  ///< only administrators of the repository push to it
};

Result<std::vector<ProtectedBranch>> protected_branches(const Hub& hub, const Repo& repo);
/// Replaces all of them; bad_input for an empty or overlong pattern, or more than 100.
Status set_protected_branches(Hub& hub, const Repo& repo, const std::vector<ProtectedBranch>& branches);

/// What is about to happen to a reference.
struct RefChange {
  std::string_view ref;  ///< full name
  bool deletes = false;
  bool rewrites = false;  ///< the new commit does not contain the old one
};
/// Ok, or forbidden with the pattern that stands against it. `rules` as protected_branches gives them.
Status check_ref_change(const std::vector<ProtectedBranch>& rules, const Caller& caller, const Repo& repo,
                        const RefChange& change);

}  // namespace hearth::hub
