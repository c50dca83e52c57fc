#include "server/xet_urls.h"

#include "base/clock.h"
#include "base/text.h"
#include "server/services.h"

namespace hearth::server {
namespace {

constexpr int64_t kLifetime_ms = 15 * 60 * 1000;

}  // namespace

std::string xet_url(const Request& rq) {
  return cat(rq.endpoint(), "/xet");
}

XetToken make_xet_token(const Request& rq, const hub::Repo& repo, XetRight right) {
  XetGrant made{.right = right, .repo = repo.id, .expires_ms = now_ms() + kLifetime_ms};
  const auto& caller = rq.caller();
  const bool narrow = caller.scopes || (right == XetRight::read && caller.anonymous());
  if (!narrow) made.user = caller.name();
  return {xet_url(rq), sign_xet_grant(rq.services().signer, made), made.expires_ms / 1000};
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
