// GET, POST /api/telemetry/...: libraries report their use here. Nothing is kept.
// Source: huggingface_hub 2.4.0 utils/_telemetry.py.
#include "server/route.h"

namespace hearth::server::routes {
namespace {

Result<Response> ignore(Request&) {
  return json_response(Json(Json::Object()));
}

constexpr Route kRoutes[] = {{"GET", "/api/telemetry/{path*}", Access::open, ignore},
                             {"POST", "/api/telemetry/{path*}", Access::open, ignore}};

}  // namespace
extern constinit const Routes telemetry_entry{kRoutes};
}  // namespace hearth::server::routes
