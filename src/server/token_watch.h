// Writes to the audit log when a token is used from a network that it was never used from before.
#pragma once

#include <string>
#include <unordered_set>

#include "base/guarded.h"
#include "server/request.h"

namespace hearth::server {

/// Thread-safe. What was seen lately is known without asking the database.
class TokenWatch {
 public:
  /// The caller showed a token that is good. A failure is logged: it must not lock everybody out.
  void see(Request& rq);

 private:
  Guarded<std::unordered_set<std::string>> seen_{};
};

}  // namespace hearth::server
