// The key that this hub signs identity tokens with: DATA/oauth.pem, made when it is first needed.
#pragma once

#include <vector>

#include "hub/jwt.h"
#include "server/request.h"

namespace hearth::server {

/// Opened once a process and folder.
Result<hub::SigningKey> oauth_key(const hub::Hub& hub);

/// Where a browser goes after signing in: `next` when it is an address of this site, else "/".
std::string safe_next(std::string_view next);

/// The claims of a user that the scopes open, with `sub`; of the organisations `orgs` those that the user let open.
/// Source: OpenID Connect Core 1.0 section 5.1; huggingface_hub 2.4.0 _oauth.py (OAuthUserInfo, OAuthOrgInfo).
Result<Json> user_claims(const Request& rq, const hub::User& user, std::string_view scopes,
                         const std::vector<int64_t>& orgs = {});

}  // namespace hearth::server
