// GET /healthz: the hub answers and its database reads.
#include "server/request.h"
#include "server/routes_registry.h"

namespace hearth::server::routes {
namespace {

Result<Response> handle(Request& rq) {
  // Any answer will do: what counts is that the database could be asked.
  const auto probe = rq.hub().accounts().user("-");
  if (!probe.ok() && probe.status().code() != Code::not_found && probe.status().code() != Code::bad_input)
    return probe.status().clone();
  return text_response("ok\n");
}

constexpr Route kRoutes[] = {{"GET", "/healthz", Access::open, handle}};

}  // namespace
extern constinit const Routes healthz_entry{kRoutes};
}  // namespace hearth::server::routes
