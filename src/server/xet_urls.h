// The addresses of Xet storage that answers name.
#pragma once

#include <string>

#include "server/request.h"
#include "server/xet_grant.h"

namespace hearth::server {

/// The content store's base address: casUrl.
std::string xet_url(const Request& rq);

/// What a client needs to speak to the content store.
struct XetToken {
  std::string url, token;
  int64_t expires_s = 0;
};
/// For a quarter of an hour, for the caller, whose right was checked.
XetToken make_xet_token(const Request& rq, const hub::Repo& repo, XetRight right);

/// Says in a file's answer that it can be had by Xet: X-Xet-Hash, and Link to the token and the reconstruction.
void add_xet_headers(Response& out, const Request& rq, const hub::Repo& repo, std::string_view revision,
                     std::string_view xet_hash);

}  // namespace hearth::server
