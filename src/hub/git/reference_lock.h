// Locks of references, REF.lock: git and libgit2 make one while they write a reference, and a process that is killed
// meanwhile leaves it. Nobody could write that branch any more.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::hub::git {

bool is_reference_locked(const std::string& folder, std::string_view ref);

/// Waits until nobody holds the reference's lock; one that is older than five seconds belongs to nobody and is removed.
/// The caller holds the repository's own lock (hub/lock.h). busy when others hold it again and again.
Status await_reference(const std::string& folder, std::string_view ref);

}  // namespace hearth::hub::git
