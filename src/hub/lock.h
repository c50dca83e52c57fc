// The lock of a repository's writers (invariant 3 of hub/hub.h).
#pragma once

#include "base/files.h"
#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

/// Waits for the other writers of this repository, in this process and others. Held until the descriptor is closed; the
/// kernel frees it when its holder dies. repo_not_found when the repository was deleted meanwhile.
Result<Fd> lock_repository(const Hub& hub, const Repo& repo);

/// The same of those who remove or link packs; commits go on beside them.
Result<Fd> lock_packs(const Hub& hub, const Repo& repo);

/// Of those who remove stored objects (hub/gc.h) and those who must find all that a row names (hub/backup.h).
Result<Fd> lock_collection(const Hub& hub);

}  // namespace hearth::hub
