// The address last served on this machine by this user: `hearth serve` writes it, clients without HF_ENDPOINT and
// `hearth admin login-link` without --url read it. A file $XDG_CACHE_HOME/hearth/endpoint (~/.cache without that).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth {

/// Remembers `url` ("http://127.0.0.1:8686", no slash at the end).
Status remember_served(std::string_view url);
/// The remembered address, or empty when there is none.
std::string last_served();

}  // namespace hearth
