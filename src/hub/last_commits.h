// The last commit of each path of a listing: searched back through the history, and kept, so that the next search goes
// only as far as this one's beginning.
#pragma once

#include <vector>

#include "base/result.h"
#include "hub/git/snapshot.h"
#include "hub/hub.h"
#include "hub/tree.h"

namespace hearth::hub {

/// Sets last_commit of each.
Status add_last_commits(const Hub& hub, const Repo& repo, const git::Snapshot& at, std::vector<TreeEntry>& entries);

}  // namespace hearth::hub
