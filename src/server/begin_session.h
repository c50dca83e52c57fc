// The browser's session begins: a cookie that scripts cannot read, and the way on.
#pragma once

#include <string>
#include <string_view>

#include "server/request.h"

namespace hearth::server {

/// Signs the user in and leads to `next`, an address of this site ("/" when it is none). `how` is for the audit log:
/// "password", "second factor", "link", "provider office".
Result<Response> begin_session(Request& rq, const hub::User& user, std::string_view next, std::string_view how);
/// The cookie that takes the session's place when it ends.
std::string no_session_cookie();

}  // namespace hearth::server
