#include "server/xet_sessions.h"

#include "base/text.h"

namespace hearth::server {
namespace {

constexpr size_t kSessionsMax = 10'000, kSessionMax = 64;

}  // namespace

bool XetSessions::is_first(std::string_view session, int64_t repo) {
  if (session.empty() || session.size() > kSessionMax) return false;  // who names none is not told again and again
  auto key = cat(repo, " ", session);
  return told_.with([&](Told& told) {
    if (!told.keys.insert(key).second) return false;
    told.order.push_back(std::move(key));
    if (told.order.size() > kSessionsMax) {
      told.keys.erase(told.order.front());
      told.order.pop_front();
    }
    return true;
  });
}

}  // namespace hearth::server
