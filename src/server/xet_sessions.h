// Upload sessions that were told which chunks their repository has: once is enough, the client keeps what it was told.
#pragma once

#include <deque>
#include <set>
#include <string>

#include "base/guarded.h"

namespace hearth::server {

/// Thread-safe; remembers the last ones only, so that a session may be told twice but memory has its bound.
class XetSessions {
 public:
  /// True the first time that this session of a client, X-Xet-Session-Id, asks for the repository.
  bool is_first(std::string_view session, int64_t repo);

 private:
  struct Told {
    std::set<std::string> keys;
    std::deque<std::string> order;
  };
  Guarded<Told> told_{};
};

}  // namespace hearth::server
