// Locks of references, REF.lock: git and libgit2 make one while they write a reference, and a process that is killed
// meanwhile leaves it. Nobody could write that branch any more. Deleting a reference locks packed-refs besides.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth::hub::git {

/// The lock of all references that are packed, as if it were one of them.
inline constexpr std::string_view kPackedReferences = "packed-refs";

bool is_reference_locked(const std::string& folder, std::string_view ref);

/// Waits until nobody holds the reference's lock; one that is older than five seconds belongs to nobody and is removed.
/// The caller holds the repository's own lock (hub/lock.h). busy when others hold it again and again.
Status await_reference(const std::string& folder, std::string_view ref);

/// Runs `write`, a call of libgit2 that makes or moves the reference, and once more after await_reference() where a
/// lock was in its way. The call's own code; the caller holds the repository's lock.
Result<int> write_reference(const std::string& folder, std::string_view ref, const std::function<int()>& write);

/// Deletes the reference in the same way; not_found when there is none.
Status remove_reference(const std::string& folder, const std::string& ref);

}  // namespace hearth::hub::git
