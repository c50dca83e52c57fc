// Copying a bare repository beside itself: objects by hard link, since they never change.
#pragma once

#include <string>

#include "base/result.h"

namespace hearth::hub::git {

/// Gives the new, empty repository `to` all objects of `from` and its branches, tags and conversions, not its pull
/// requests. Nobody may repack `from` meanwhile.
Status copy_repository(const std::string& from, const std::string& to);

}  // namespace hearth::hub::git
