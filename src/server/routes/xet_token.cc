// GET .../xet-write-token/{rev}, .../xet-read-token/{rev}: this hub's files travel whole, through git-LFS. The answer
// names the switch that makes huggingface_hub do so.
// Source: huggingface_hub 2.4.0 utils/_xet.py (fetch_xet_connection_info_from_repo_info).
#include "server/route.h"

namespace hearth::server::routes {
namespace {

Result<Response> refuse(Request&) {
  return Status(Code::unsupported,
                "This hub takes large files through git-LFS, not Xet: set HF_HUB_DISABLE_XET=1 and try again.");
}

constexpr Route kRoutes[] = {{"GET", "/api/{kind}/{repo}/xet-write-token/{rev}", Access::write, refuse},
                             {"GET", "/api/{kind}/{repo}/xet-read-token/{rev}", Access::content, refuse}};

}  // namespace
extern constinit const Routes xet_token_entry{kRoutes};
}  // namespace hearth::server::routes
