#include "base/clock.h"
#include "base/encoding.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "server/services.h"

namespace hearth::server {

Result<Signer> Signer::open(const std::string& file) {
  auto key = read_file(file, 1024);
  if (key.ok() && key->size() == 32) return Signer(*std::move(key));
  if (!key.ok() && key.status().code() != Code::not_found) return std::move(key).status();
  auto fresh = random_bytes(32);
  TRY(write_file(file, fresh, 0600));
  return Signer(std::move(fresh));
}

std::string Signer::sign(std::string_view what, int64_t expires_ms) const {
  return to_hex(hmac_sha256(key_, cat(what, '\0', expires_ms)));
}

bool Signer::good(std::string_view what, int64_t expires_ms, std::string_view signature) const {
  return expires_ms > now_ms() && equal_constant_time(sign(what, expires_ms), signature);
}

}  // namespace hearth::server
