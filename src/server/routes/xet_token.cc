// GET .../xet-read-token/{rev}, .../xet-write-token/{rev}: where the content store is and a token for it, in the body
// (hf_xet, @huggingface/hub) and in headers (huggingface_hub). Buckets have no revision.
// Source: huggingface_hub 2.4.0 utils/_xet.py; xet-core token_refresh; _commit_api.py asks with revision None and
// create_pr=1 when the commit will be a pull request.
#include "base/text.h"
#include "hub/owners.h"
#include "server/route.h"
#include "server/xet_urls.h"

namespace hearth::server::routes {
namespace {

Response grant(const Request& rq, const hub::Repo& repo, XetRight right) {
  const auto made = make_xet_token(rq, repo, right);
  auto out =
      json_response(Json(Json::Object{{"casUrl", made.url}, {"exp", made.expires_s}, {"accessToken", made.token}}));
  out.headers.set("X-Xet-Cas-Url", made.url);
  out.headers.set("X-Xet-Access-Token", made.token);
  out.headers.set("X-Xet-Token-Expiration", cat(made.expires_s));
  out.headers.set("Cache-Control", "no-store");
  return out;
}

Result<Response> read_token(Request& rq) {
  return grant(rq, *TRY(rq.repo()), XetRight::read);
}

Result<Response> write_token(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  if (!rq.query_flag("create_pr")) {
    TRY(hub::check_access(rq.caller(), repo, hub::Right::write));
    TRY(hub::check_quota(rq.hub(), repo, 0));
    return grant(rq, repo, XetRight::write);
  }
  if (rq.caller().anonymous()) return Status(Code::unauthenticated, "a pull request needs a token");
  TRY(hub::check_access(rq.caller(), repo, hub::Right::content, "discussion.write"));
  TRY(hub::check_quota(rq.hub(), repo, 0));
  return grant(rq, repo, XetRight::offer);
}

constexpr Route kRoutes[] = {{"GET", "/api/{kind}/{repo}/xet-write-token/{rev}", Access::content, write_token},
                             {"GET", "/api/{kind}/{repo}/xet-read-token/{rev}", Access::content, read_token},
                             {"GET", "/api/{kind}/{repo}/xet-write-token", Access::content, write_token},
                             {"GET", "/api/{kind}/{repo}/xet-read-token", Access::content, read_token},
                             {"GET", "/api/buckets/{repo}/xet-write-token", Access::write, write_token},
                             {"GET", "/api/buckets/{repo}/xet-read-token", Access::content, read_token}};

}  // namespace
extern constinit const Routes xet_token_entry{kRoutes};
}  // namespace hearth::server::routes
