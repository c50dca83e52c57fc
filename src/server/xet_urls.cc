#include "server/xet_urls.h"

#include "base/text.h"

namespace hearth::server {

std::string xet_url(const Request& rq) {
  return cat(rq.endpoint(), "/xet");
}

void add_xet_headers(Response& out, const Request& rq, const hub::Repo& repo, std::string_view revision,
                     std::string_view xet_hash) {
  out.headers.set("X-Xet-Hash", xet_hash);
  const auto token = cat(rq.endpoint(), "/api/", hub::kind_plural(repo.kind), "/", repo.full_name(), "/xet-read-token",
                         revision.empty() ? "" : "/", revision);
  out.headers.set("Link", cat("<", token, ">; rel=\"xet-auth\", <", xet_url(rq), "/v1/reconstructions/", xet_hash,
                              ">; rel=\"xet-reconstruction-info\""));
}

}  // namespace hearth::server
