// Asking an outside OpenID provider: what it says of itself, its keys, its token endpoint.
// Source: OpenID Connect Discovery 1.0 section 4.
#pragma once

#include <stop_token>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "net/client.h"

namespace hearth::server {

/// The JSON object of an answer with 200; unavailable otherwise, naming `what` was asked.
Result<Json> ask_openid(net::ClientRequest request, std::string_view what, const std::stop_token& stop);

/// The provider's configuration; unavailable when it calls itself otherwise. `public_only`: strangers chose it.
Result<Json> discover_openid(std::string_view issuer, const std::stop_token& stop, bool public_only = false);

}  // namespace hearth::server
