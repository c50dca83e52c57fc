// Signatures of S3 requests. Source: AWS Signature Version 4, "Authenticating Requests" in the Amazon S3 API reference
// (header form and query form).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::store {

struct S3Credentials {
  std::string access_key, secret_key;
  std::string session_token;  ///< empty: none
};

using S3Fields = std::vector<std::pair<std::string, std::string>>;

struct S3Request {
  std::string method, host;
  std::string path;       ///< percent-encoded, from the first slash
  S3Fields query = {};    ///< not encoded
  S3Fields headers = {};  ///< names in lower case; `host` and the signature's own are added
};

/// `name=value&...`, sorted and encoded as the signature wants it.
std::string s3_query(S3Fields query);

/// Adds the headers that sign the request: date, payload hash, token, Authorization. `payload_sha256` in hexadecimal.
void sign_s3(S3Request& request, const S3Credentials& credentials, std::string_view region,
             std::string_view payload_sha256, int64_t now_ms);

/// The query, encoded, of an address that is good for `lifetime_s` from now without further headers.
std::string presign_s3(S3Request request, const S3Credentials& credentials, std::string_view region, int64_t lifetime_s,
                       int64_t now_ms);

}  // namespace hearth::store
