// Signed tokens between servers: JSON Web Tokens (RFC 7519) in the compact form, signed with RS256 (written and read)
// or ES256 (read), and key sets (RFC 7517). Other algorithms, "none" first, are refused.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace hearth::hub {

/// RFC 4648 section 5, without padding.
std::string to_base64url(std::string_view bytes);
Result<std::string> from_base64url(std::string_view text);

/// This hub's own key: RSA, 2048 bits. Thread-safe.
class SigningKey {
 public:
  /// The key lies in `file` (PEM, readable by its owner alone), made at first use.
  static Result<SigningKey> open(const std::string& file);
  /// The claims as a token.
  Result<std::string> sign(const Json& claims) const;
  /// {"keys": [...]} with the public half.
  const Json& key_set() const { return key_set_; }
  /// Other secrets made from the key: equal for equal `purpose`.
  std::string derive(std::string_view purpose) const;

 private:
  struct Key;
  SigningKey(std::shared_ptr<const Key> key, Json key_set, std::string id)
      : key_(std::move(key)), key_set_(std::move(key_set)), id_(std::move(id)) {}
  std::shared_ptr<const Key> key_;
  Json key_set_;
  std::string id_;
};

/// A token whose signature nobody has checked.
struct Jwt {
  Json header, claims;
  std::string signed_part;  ///< what the signature is over
  std::string signature;
};
/// bad_input unless three base64url parts, two of them JSON objects, of at most 64 KiB.
Result<Jwt> parse_jwt(std::string_view token);
/// unauthenticated unless one of the set's keys signed it: the one that its header names, if it names one.
Status check_signature(const Jwt& token, const Json& key_set);

struct ExpectedClaims {
  std::string issuer, audience;
  std::string nonce = {};  ///< empty: not asked for
  int64_t now_ms = 0;
};
/// unauthenticated, saying which claim, unless issuer, audience (alone, or with `azp`), times (a minute's skew) and
/// nonce are right. Source: OpenID Connect Core 1.0 section 3.1.3.7.
Status check_claims(const Json& claims, const ExpectedClaims& expected);

}  // namespace hearth::hub
