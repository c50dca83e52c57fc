// Joining a repository's objects in packs: commits through the API and small pushes leave loose files behind.
//
// Readers are safe beside it: git removes a pack only when its objects are in another, and libgit2 looks again for an
// object whose pack is gone. Nothing is deleted that is not packed, so a commit being made loses nothing.
// Source: git 2.39 Documentation/git-repack.txt (--geometric), builtin/gc.c for the estimate.
#pragma once

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

/// Packs when there are more than some thousand loose objects or some dozen packs; true when it did.
Result<bool> repack_if_needed(const Hub& hub, const Repo& repo);

}  // namespace hearth::hub
