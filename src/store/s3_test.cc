// What the S3 store signs and reads. Against a server: tests/clients/test_s3.py.
#include <doctest/doctest.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "store/blobs/s3_sign.h"
#include "store/blobs/s3_xml.h"

namespace hearth::store {
namespace {

// Amazon S3 API reference, "Signature calculations: examples".
const S3Credentials kExample{.access_key = "AKIAIOSFODNN7EXAMPLE",
                             .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                             .session_token = {}};
const int64_t kThen = *parse_iso_time("2013-05-24T00:00:00.000Z");

TEST_CASE("s3: the reference's signature of a range request") {
  S3Request request{.method = "GET",
                    .host = "examplebucket.s3.amazonaws.com",
                    .path = "/test.txt",
                    .headers = {{"range", "bytes=0-9"}}};
  sign_s3(request, kExample, "us-east-1", sha256_hex(""), kThen);
  CHECK(request.headers.back().second ==
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_CASE("s3: the reference's presigned address") {
  const auto query = presign_s3({.method = "GET", .host = "examplebucket.s3.amazonaws.com", .path = "/test.txt"},
                                kExample, "us-east-1", 86400, kThen);
  CHECK(query ==
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_"
        "request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST_CASE("s3: answers are read, and what is cut or nested wrongly is left") {
  const std::string_view xml =
      "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3\"><Prefix/><Contents><Key>a&amp;lt;b</Key><Size>3"
      "</Size></Contents><Contents a=\"1\"><Key>c</Key></Contents><Contents><Key>d</ListBucketResult>";
  const auto contents = xml_elements(xml, "Contents");
  REQUIRE(contents.size() == 2);
  CHECK(xml_text(contents[0], "Key") == "a&lt;b");
  CHECK(xml_text(contents[0], "Size") == "3");
  CHECK(xml_text(contents[1], "Size").empty());
  CHECK(xml_text(xml, "Prefix").empty());
  CHECK(xml_elements("<a", "a").empty());
  CHECK(xml_elements("<a>x", "a").empty());
}

}  // namespace
}  // namespace hearth::store
