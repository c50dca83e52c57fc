// Signed tokens and key sets of outside sign-in providers: a line with the token, then the key set.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hub/jwt.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto line = text.find('\n');
  const auto token = hub::parse_jwt(text.substr(0, line));
  const auto keys = Json::parse(line == std::string_view::npos ? "{}" : text.substr(line + 1));
  if (!token.ok()) return 0;
  static_cast<void>(hub::check_signature(*token, keys.ok() ? *keys : Json()).ok());
  static_cast<void>(
      hub::check_claims(token->claims, {.issuer = "https://a", .audience = "b", .nonce = "c", .now_ms = 1}).ok());
  return 0;
}
