// GET /api/spaces/hardware, /api/spaces/templates, /api/jobs/hardware: what Spaces and jobs could run on and begin
// with. This hub keeps Spaces and runs nothing, so there is none. Source: huggingface_hub 2.4.0
// HfApi.list_spaces_hardware, list_space_templates, list_jobs_hardware.
#include "server/route.h"

namespace hearth::server::routes {
namespace {

Result<Response> no_hardware(Request&) {
  return json_response(Json(Json::Array()));
}

Result<Response> no_templates(Request&) {
  return json_response(Json(Json::Object{{"templates", Json::Array()}}));
}

constexpr Route kRoutes[] = {{"GET", "/api/spaces/hardware", Access::open, no_hardware},
                             {"GET", "/api/spaces/templates", Access::open, no_templates},
                             {"GET", "/api/jobs/hardware", Access::open, no_hardware}};

}  // namespace
extern constinit const Routes spaces_run_entry{kRoutes};
}  // namespace hearth::server::routes
