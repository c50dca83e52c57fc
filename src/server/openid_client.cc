#include "server/openid_client.h"

#include "base/log.h"
#include "base/text.h"

namespace hearth::server {
namespace {

constexpr uint64_t kAnswerMax = 1 << 20;

}  // namespace

Result<Json> ask_openid(net::ClientRequest request, std::string_view what, const std::stop_token& stop) {
  request.max_bytes = kAnswerMax;
  request.connect_timeout_ms = 5000;
  request.stall_timeout_ms = 10'000;
  request.total_timeout_ms = 20'000;
  request.headers.set("Accept", "application/json");
  const auto url = request.url;
  auto answer = net::http_request(request, stop);
  if (!answer.ok())
    return Status(Code::unavailable,
                  cat("the sign-in provider's ", what, " at ", url, ": ", answer.status().message()));
  auto json = Json::parse(answer->body);
  if (answer->status != 200 || !json.ok()) {
    log(LogLevel::warning, "sign-in",
        cat(what, " at ", url, " answered ", answer->status, ": ", printable(answer->body.substr(0, 500))));
    return Status(Code::unavailable, cat("the sign-in provider's ", what, " answered ", answer->status));
  }
  return json;
}

Result<Json> discover_openid(std::string_view issuer, const std::stop_token& stop, bool public_only) {
  auto base = issuer;
  while (base.ends_with('/')) base.remove_suffix(1);
  auto found = TRY(ask_openid({.url = cat(base, "/.well-known/openid-configuration"), .public_only = public_only},
                              "discovery", stop));
  if (found["issuer"].as_string() != issuer)
    return Status(Code::unavailable, cat("the sign-in provider calls itself '",
                                         found["issuer"].as_string().substr(0, 200), "', not '", issuer, "'"));
  return found;
}

}  // namespace hearth::server
