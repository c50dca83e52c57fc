// Which big files a repository names, at any commit that a ref leads to: what must not be collected, and must be there.
#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

/// Adds the SHA-256 of each; of a repository without git, of everything that it lists.
Status add_named_contents(const Hub& hub, const Repo& repo, std::set<std::string>& out);

}  // namespace hearth::hub
