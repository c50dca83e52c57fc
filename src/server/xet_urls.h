// The addresses of Xet storage that answers name.
#pragma once

#include <string>

#include "server/request.h"

namespace hearth::server {

/// The content store's base address: casUrl.
std::string xet_url(const Request& rq);
/// Says in a file's answer that it can be had by Xet: X-Xet-Hash, and Link to the token and the reconstruction.
void add_xet_headers(Response& out, const Request& rq, const hub::Repo& repo, std::string_view revision,
                     std::string_view xet_hash);

}  // namespace hearth::server
