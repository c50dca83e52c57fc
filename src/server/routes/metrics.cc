// GET /metrics: Prometheus text, for whom `hearth serve --metrics` allows. GET /readyz: may requests be sent here?
#include "server/metrics.h"
#include "base/hash.h"
#include "base/text.h"
#include "server/routes_registry.h"
#include "server/services.h"

namespace hearth::server::routes {
namespace {

bool may_read(const Request& rq) {
  const auto& rule = rq.services().metrics_rule;
  if (rule == "open") return true;
  const auto& address = rq.head().remote_address;
  if (rule == "loopback") return address.starts_with("127.") || address == "::1" || address == "::ffff:127.0.0.1";
  if (!rule.starts_with("token ")) return false;
  const auto shown = rq.header("authorization");
  return shown.starts_with("Bearer ") && equal_constant_time(trim(shown.substr(7)), rule.substr(6));
}

Result<Response> metrics(Request& rq) {
  const auto* counted = rq.services().metrics;
  if (!counted || !may_read(rq)) return Status(Code::not_found, "there is no such page");
  return text_response(counted->text(rq.services()), "text/plain; version=0.0.4; charset=utf-8");
}

Result<Response> ready(Request& rq) {
  const auto* counted = rq.services().metrics;
  const auto* server = counted ? counted->server() : nullptr;
  if (server && server->draining()) return Status(Code::unavailable, "the hub is going down");
  TRY(rq.hub().db().query("SELECT 1 FROM owners LIMIT 1"));
  return text_response("ready\n");
}

// Access is the handler's own: a scraper has no account of the hub, and its token is none of the hub's.
constexpr Route kRoutes[] = {
    {"GET", "/metrics", Access::open, metrics},
    {"GET", "/readyz", Access::open, ready},
};

}  // namespace
extern constinit const Routes metrics_entry{kRoutes};
}  // namespace hearth::server::routes
