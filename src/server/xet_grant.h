// Xet tokens: what a client shows to the content store instead of its Hub token. Signed, for one repository, for a
// quarter of an hour; the client asks for the next by itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/services.h"

namespace hearth::server {

enum class XetRight {
  read,   ///< the repository's files
  write,  ///< besides, adding to them
  offer,  ///< the same for who may only propose changes: a pull request
};

struct XetGrant {
  XetRight right = XetRight::read;
  int64_t repo = 0;  ///< its number: a bucket is one too
  /// Whose other repositories count when duplicates are looked for. Empty: visitors, and tokens of narrower rights than
  /// their user's.
  std::string user = {};
  int64_t expires_ms = 0;
};

std::string sign_xet_grant(const Signer& signer, const XetGrant& grant);
/// unauthenticated when it is none of this hub's, or its time is over.
Result<XetGrant> read_xet_grant(const Signer& signer, std::string_view token);

}  // namespace hearth::server
