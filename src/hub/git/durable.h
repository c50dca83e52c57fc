// The names of git's objects and references made durable. git syncs files and never a folder, libgit2 the folder that a
// file lies in and none above: both count on a journal that writes names in the order of their making, which not every
// file system keeps.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace hearth::hub::git {

/// Every file and folder of a repository that nobody knows of yet.
Status sync_new(const std::string& folder);

/// The folders of objects and references whose entries changed since then.
Status sync_names(const std::string& folder, int64_t since_ms);

}  // namespace hearth::hub::git
