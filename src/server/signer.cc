#include "base/clock.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"
#include "server/services.h"

namespace hearth::server {

Result<Signer> Signer::open(hub::Hub& hub) {
  return Signer(TRY(hub.secret("signing")));
}

std::string Signer::sign(std::string_view what, int64_t expires_ms) const {
  return to_hex(hmac_sha256(key_, cat(what, '\0', expires_ms)));
}

std::string signed_target(const Signer& signer, std::string_view method, std::string_view target, int64_t lifetime_ms) {
  const int64_t expires_ms = now_ms() + lifetime_ms;
  const auto what = cat(target, contains(target, "?") ? "&" : "?", "expires=", expires_ms);
  return cat(what, "&signature=", signer.sign(cat(method, " ", what), expires_ms));
}

bool check_signed_target(const Signer& signer, std::string_view method, std::string_view target) {
  const auto signature_at = target.rfind("&signature=");
  const auto expires_at = target.rfind("expires=", signature_at);
  if (signature_at == std::string_view::npos || expires_at == std::string_view::npos) return false;
  const auto expires_ms = parse_int(target.substr(expires_at + 8, signature_at - expires_at - 8));
  const auto what = cat(method == "HEAD" ? "GET" : method, " ", target.substr(0, signature_at));
  return expires_ms && signer.good(what, *expires_ms, target.substr(signature_at + 11));
}

bool Signer::good(std::string_view what, int64_t expires_ms, std::string_view signature) const {
  return expires_ms > now_ms() && equal_constant_time(sign(what, expires_ms), signature);
}

}  // namespace hearth::server
