// Copying a bare repository beside itself: objects by hard link, since they never change.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace hearth::hub::git {

/// Gives the new, empty repository `to` all objects of `from` and its branches, tags and conversions, not its pull
/// requests. Nobody may repack `from` meanwhile.
Status copy_repository(const std::string& from, const std::string& to);

/// The objects alone, loose and packed: by hard link, or (`link` false) as bytes. What is there under its name already
/// is left as it is. `taken` is told each, as "ab/cdef..." or "pack/...".
Status copy_objects(const std::string& from, const std::string& to, bool link,
                    const std::function<void(const std::string&)>& taken);

}  // namespace hearth::hub::git
