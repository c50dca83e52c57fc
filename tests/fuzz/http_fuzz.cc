// Any bytes as the parts of a request that Hearth reads itself: a path for the router, escapes, a query, cookies, a
// range, a gzip body. (Heads and chunks are Beast's.)
#include "base/encoding.h"
#include "base/text.h"
#include "net/loop/body.h"
#include "server/pages_registry.h"
#include "server/router.h"
#include "server/routes_registry.h"

namespace hearth::server {
namespace routes {
std::span<const Entry* const> entries() {
  return {};
}
}  // namespace routes
namespace pages {
std::span<const Entry* const> entries() {
  return {};
}
}  // namespace pages

namespace {

Result<Response> none(Request&) {
  return Status(Code::internal, "never called");
}

constexpr Route kRoutes[] = {
    {"GET", "/{list}", Access::open, none},
    {"GET", "/api/{kind}/{repo}/tree/{rev}/{path*}", Access::metadata, none},
    {"GET", "/{kind?}/{repo}", Access::metadata, none},
    {"GET", "/{kind?}/{repo}/resolve/{rev}/{path*}", Access::content, none},
    {"GET", "/{kind?}/{repo}/info/refs", Access::metadata, none},
};

void route(std::string_view text) {
  static const Router kRouter = [] {
    std::vector<const Route*> routes;
    for (const auto& row : kRoutes) routes.push_back(&row);
    return Router(routes);
  }();
  const auto match = kRouter.find("GET", text);
  if (!match.ok()) return;
  VERIFY(match->route != nullptr, "a match has a row");
  for (const auto& [name, value] : match->arguments) VERIFY(is_utf8(value), "arguments are text");
}

void decode(std::string_view text) {
  const auto decoded = percent_decode(text);
  if (decoded.ok()) {
    const auto again = percent_decode(percent_encode(*decoded));
    VERIFY(again.ok() && *again == *decoded, "escapes round-trip");
  }
  static_cast<void>(parse_query(text).ok());
  const net::Headers headers{{"Cookie", std::string(text)}};
  static_cast<void>(net::cookie(headers, "hearth_session"));
}

void range(std::string_view text, uint64_t size) {
  const auto found = net::parse_range(text, size);
  if (!found.ok() || !found->has_value()) return;
  VERIFY((*found)->length > 0 && (*found)->begin < size && (*found)->length <= size - (*found)->begin,
         "a range lies inside the file");
}

void inflate(std::string_view text) {
  net::Inflater inflater;
  uint64_t total = 0;
  while (!text.empty() && total < (1 << 20)) {
    const auto piece = text.substr(0, 1 + text.size() / 3);
    inflater.feed(piece);
    text.remove_prefix(piece.size());
    for (;;) {
      const auto bytes = inflater.next();
      if (!bytes.ok()) return;
      if (bytes->empty()) break;
      total += bytes->size();
      if (total >= (1 << 20)) break;
    }
  }
  static_cast<void>(inflater.finish().ok());
}

}  // namespace
}  // namespace hearth::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'p':
      hearth::server::route(text);
      break;
    case 'e':
      hearth::server::decode(text);
      break;
    case 'r':
      hearth::server::range(text, size * 100);
      break;
    case 'z':
      hearth::server::inflate(text);
      break;
    default:
      break;
  }
  return 0;
}
