// Where a request comes from: the site whose page made a browser send it.
//
// Cross-site request forgery: the session's cookie is SameSite=Lax, and besides every request that changes something
// with it must come from one of our own pages: its `Origin` (which browsers put on every such request, and scripts
// cannot) names the host it was sent to. A client that sends no Origin shows the page's token in `X-CSRF-Token`
// instead. Tokens in `Authorization` need neither: no browser adds them by itself.
// Source: RFC 6454 (Origin); OWASP Cross-Site Request Forgery Prevention Cheat Sheet.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace hearth::server {

/// GET, HEAD and OPTIONS change nothing.
bool is_safe(std::string_view method);

/// The token that a session's pages hold (`csrfToken` of the page's data).
std::string csrf_token(std::string_view session_id);

/// forbidden unless the request comes from one of our pages, or shows the session's token.
Status check_origin(const net::RequestHead& head, std::string_view session_id);

}  // namespace hearth::server
