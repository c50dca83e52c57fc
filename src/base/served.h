// The address last served on this machine by this user: `hearth serve` writes it, clients without HF_ENDPOINT read it.
// A file $XDG_CACHE_HOME/hearth/endpoint (~/.cache without that). Besides, each hub's own.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hearth {

/// Remembers `url` ("http://127.0.0.1:8686", no slash at the end).
Status remember_served(std::string_view url);
/// The remembered address, or empty when there is none.
std::string last_served();

/// The same for one hub, in its data folder: under which address people reach it. Empty when it was never served.
Status remember_address(const std::string& data_folder, std::string_view url);
std::string remembered_address(const std::string& data_folder);

}  // namespace hearth
