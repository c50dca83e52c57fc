// A route: method, pattern, who may, and the function that answers. Rows of the registry folders routes/ and pages/.
//
// Patterns match whole paths, segment by segment, each percent-decoded on its own:
//   {kind}    models, datasets, spaces or kernels        {repo}   owner/name (`.git` at its end is dropped; a legacy
//   {kind?}   datasets/, spaces/ ..., nothing for models          id of one segment finds no repository)
//   {rev}     any one segment (refs%2Fpr%2F1)            {NAME*}  the rest, slashes included, maybe empty; comes last
// Where several patterns match, the more literal one wins, from left to right.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "server/request.h"

namespace hearth::server {

/// Who may call. The five rights of a repository need {repo} in the pattern: the handler finds it in `rq.repo()`. The
/// two of an organisation need {org}: `rq.org()`.
enum class Access {
  open,         ///< anybody
  application,  ///< any client: the handler asks for the application's own credentials, not a user's
  signed_link,  ///< whoever has this very address, signed by the hub (signed_target) and not yet expired
  signed_in,    ///< any user, with any token
  session,      ///< any user, by the browser's session: tokens make no tokens
  metadata,     ///< who may know of the repository
  content,      ///< who may read its files
  write,        ///< who may commit
  admin,        ///< who may change its settings
  govern,       ///< who may change what binds its writers: its owner, administrators of its organisation or group
  xet_read,     ///< whoever has a Xet token (server/xet_grant.h): for the files of its repository, in `rq.repo()`
  xet_write,    ///< whoever has one that may add to the repository
  org_member,   ///< the organisation's members; fine-grained tokens need org.read
  org_admin,    ///< its administrators; fine-grained tokens need org.write
  site_admin,   ///< the hub's administrators, not with fine-grained tokens
};

/// An Access that was written down: a row without one does not compile. A permission, where the row names one
/// ({Access::content, "discussion.write"}), must be held by the token in place of what the access asks for; visitors
/// and, unless it ends in `.read`, reading tokens are refused. It is asked for the repository or organisation of the
/// path, else for the caller's own account.
struct Decision {
  Access access;
  std::string_view permission;
  constexpr Decision(Access decided, std::string_view needed = {})  // NOLINT(google-explicit-constructor)
      : access(decided), permission(needed) {}
};

/// Where the request's body is when the handler runs.
enum class BodyMode {
  memory,          ///< in rq.body(), up to max_body_bytes
  spool,           ///< in a file, rq.spooled(), hashed on the way; access is decided before a byte is read
  spool_unhashed,  ///< the same without the SHA-256; the row may name an observer
  spool_stored,    ///< hashed, and a file of the store as it is: it need not pass the page cache
  pipe,            ///< not read yet: the handler answers with a net::ProcessPipe
};

using HandlerFunction = Result<Response> (*)(Request& rq);
/// Makes what looks at a spooled body while it arrives: the handler has it in rq.observer(). The file need not pass the
/// page cache then, as nobody reads it soon.
using ObserverFunction = std::shared_ptr<net::BodyObserver> (*)();

struct Route {
  std::string_view method;  ///< GET serves HEAD too
  std::string_view pattern;
  Decision access;
  HandlerFunction handle;
  BodyMode body = BodyMode::memory;
  uint64_t max_body_bytes = 1 << 20;
  ObserverFunction observe = nullptr;
};

/// The rows of one file.
struct Routes {
  std::span<const Route> rows;
};

}  // namespace hearth::server
