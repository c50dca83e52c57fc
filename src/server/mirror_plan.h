// What `hearth admin mirror add` and `hearth admin import` have in common.
#pragma once

#include "base/arguments.h"
#include "base/terminal.h"
#include "hub/mirrors.h"

namespace hearth::server {

/// The kind of job that copies one mirror; its key is the repository.
inline constexpr std::string_view kMirrorJob = "mirror.copy";

/// Reads URL and REPO, writes the mirror down and puts its job into the queue. conflict when REPO exists and is no
/// mirror.
Status plan_copy(const Arguments& arguments, Terminal& terminal, bool once);

/// Puts the mirror's job into the queue; one that waits already is left as it is.
Status queue_copy(hub::Hub& hub, const hub::Mirror& mirror);

}  // namespace hearth::server
