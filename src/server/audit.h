// The audit log of the front: every change that somebody made through a route is written down right after it, under a
// name from one table (or the route itself, so that a new one is never left out).
#pragma once

#include <string>
#include <string_view>

#include "server/request.h"
#include "server/route.h"

namespace hearth::server {

/// The name under which a route's changes are logged; empty for rows that change nothing: safe methods, rows open to
/// everybody, and those that the table calls quiet.
std::string audit_action(const Route& route);

/// Writes the entry of a request that succeeded. Its failure is logged, since the change stands.
void audit_request(Request& rq, const Route& route);

/// Writes an entry by name: for what no row's caller tells (signing in).
void audit_as(Request& rq, const hub::User& user, std::string_view action, Json data = {}, std::string_view target = {},
              std::string_view via = "session");
/// The same for who is nobody here. What they called themselves is not kept: it may be a password in the wrong field.
void audit_stranger(Request& rq, std::string_view action, Json data = {});

}  // namespace hearth::server
