#include "store/blobs/s3_sign.h"

#include <algorithm>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"

namespace hearth::store {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// "20260101T000000Z"
std::string stamp_of(int64_t now_ms) {
  const auto iso = iso_time(now_ms);  // 2026-01-01T00:00:00.000Z
  return cat(replace_all(replace_all(iso.substr(0, 19), "-", ""), ":", ""), "Z");
}

std::string scope_of(std::string_view stamp, std::string_view region) {
  return cat(stamp.substr(0, 8), "/", region, "/s3/aws4_request");
}

std::string signature(const S3Request& request, std::string_view signed_names, std::string_view payload,
                      const S3Credentials& credentials, std::string_view region, std::string_view stamp) {
  std::string headers;
  for (const auto& [name, value] : request.headers) headers += cat(name, ":", trim(value), "\n");
  const auto canonical = cat(request.method, "\n", request.path, "\n", s3_query(request.query), "\n", headers, "\n",
                             signed_names, "\n", payload);
  const auto text = cat(kAlgorithm, "\n", stamp, "\n", scope_of(stamp, region), "\n", sha256_hex(canonical));
  auto key = hmac_sha256(cat("AWS4", credentials.secret_key), stamp.substr(0, 8));
  for (const std::string_view part : {region, std::string_view("s3"), std::string_view("aws4_request")})
    key = hmac_sha256(key, part);
  return to_hex(hmac_sha256(key, text));
}

std::string names_of(const S3Request& request) {
  std::vector<std::string> names;
  for (const auto& [name, value] : request.headers) names.push_back(name);
  return join(names, ";");
}

}  // namespace

std::string s3_query(S3Fields query) {
  std::vector<std::string> parts;
  for (auto& [name, value] : query) {
    name = percent_encode(name);
    value = percent_encode(value);
  }
  std::sort(query.begin(), query.end());
  for (const auto& [name, value] : query) parts.push_back(cat(name, "=", value));
  return join(parts, "&");
}

void sign_s3(S3Request& request, const S3Credentials& credentials, std::string_view region,
             std::string_view payload_sha256, int64_t now_ms) {
  const auto stamp = stamp_of(now_ms);
  request.headers.emplace_back("host", request.host);
  request.headers.emplace_back("x-amz-content-sha256", payload_sha256);
  request.headers.emplace_back("x-amz-date", stamp);
  if (!credentials.session_token.empty())
    request.headers.emplace_back("x-amz-security-token", credentials.session_token);
  std::sort(request.headers.begin(), request.headers.end());
  const auto names = names_of(request);
  const auto made = signature(request, names, payload_sha256, credentials, region, stamp);
  request.headers.emplace_back("Authorization",
                               cat(kAlgorithm, " Credential=", credentials.access_key, "/", scope_of(stamp, region),
                                   ",SignedHeaders=", names, ",Signature=", made));
}

std::string presign_s3(S3Request request, const S3Credentials& credentials, std::string_view region, int64_t lifetime_s,
                       int64_t now_ms) {
  const auto stamp = stamp_of(now_ms);
  request.headers = {{"host", request.host}};
  auto& query = request.query;
  query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  query.emplace_back("X-Amz-Credential", cat(credentials.access_key, "/", scope_of(stamp, region)));
  query.emplace_back("X-Amz-Date", stamp);
  query.emplace_back("X-Amz-Expires", cat(lifetime_s));
  query.emplace_back("X-Amz-SignedHeaders", "host");
  if (!credentials.session_token.empty()) query.emplace_back("X-Amz-Security-Token", credentials.session_token);
  const auto made = signature(request, "host", "UNSIGNED-PAYLOAD", credentials, region, stamp);
  return cat(s3_query(query), "&X-Amz-Signature=", made);
}

}  // namespace hearth::store
