#include "hub/jwt.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

// RFC 7515 appendix A.3: ES256 with the key of A.3.1.
constexpr std::string_view kEs256Token =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
constexpr std::string_view kEs256Keys =
    R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
    R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";

Json json(std::string_view text) {
  auto out = Json::parse(text);
  REQUIRE(out.ok());
  return *out;
}

}  // namespace

TEST_CASE("jwt: the ES256 example of RFC 7515 is good, and no other signature is") {
  auto token = parse_jwt(kEs256Token);
  REQUIRE(token.ok());
  CHECK(token->claims["iss"].as_string() == "joe");
  CHECK(check_signature(*token, json(kEs256Keys)).ok());
  token->signature[10] ^= 1;
  CHECK(check_signature(*token, json(kEs256Keys)).code() == Code::unauthenticated);
  CHECK(check_signature(*parse_jwt(kEs256Token), json(R"({"keys":[]})")).code() == Code::unauthenticated);
}

TEST_CASE("jwt: what the own key signs is good by its key set and survives a restart") {
  const TempFolder folder;
  const auto file = folder.path() + "/key.pem";
  const auto key = SigningKey::open(file);
  REQUIRE(key.ok());
  const auto text = key->sign(Json::Object{{"sub", "alice"}});
  REQUIRE(text.ok());
  const auto again = SigningKey::open(file);
  REQUIRE(again.ok());
  CHECK(again->key_set().dump() == key->key_set().dump());
  CHECK(again->derive("a") == key->derive("a"));
  CHECK(again->derive("a") != key->derive("b"));
  const auto token = parse_jwt(*text);
  REQUIRE(token.ok());
  CHECK(check_signature(*token, again->key_set()).ok());
  const auto other = SigningKey::open(folder.path() + "/other.pem");
  REQUIRE(other.ok());
  CHECK_FALSE(check_signature(*token, other->key_set()).ok());
}

TEST_CASE("jwt: unsigned tokens, secrets as keys and foreign algorithms are refused") {
  const TempFolder folder;
  const auto key = SigningKey::open(folder.path() + "/key.pem");
  REQUIRE(key.ok());
  for (const auto header :
       {R"({"alg":"none"})", R"({"alg":"HS256"})", R"({"alg":"RS512"})", R"({})", R"({"alg":"RS256","crit":["x"]})"}) {
    const auto token = parse_jwt(cat(to_base64url(header), ".", to_base64url("{}"), "."));
    REQUIRE(token.ok());
    CHECK(check_signature(*token, key->key_set()).code() == Code::unauthenticated);
  }
  for (const auto text : {"", "a.b", "a.b.c.d", "!.!.!", "e30.e30.+", "e30.W10.e30"}) CHECK_FALSE(parse_jwt(text).ok());
}

TEST_CASE("jwt: claims are for us, from whom we asked, in time, and answer this sign-in") {
  const ExpectedClaims expected{.issuer = "https://a", .audience = "me", .nonce = "n", .now_ms = 1'000'000};
  const auto check = [&](std::string_view text) { return check_claims(json(text), expected).ok(); };
  CHECK(check(R"({"iss":"https://a","aud":"me","exp":1001,"nonce":"n"})"));
  CHECK(check(R"({"iss":"https://a","aud":["me"],"exp":990,"nonce":"n"})"));  // a minute's skew
  CHECK(check(R"({"iss":"https://a","aud":["me","you"],"azp":"me","exp":1001,"nonce":"n"})"));
  for (const auto text :
       {R"({"iss":"https://b","aud":"me","exp":1001,"nonce":"n"})",
        R"({"iss":"https://a","aud":"you","exp":1001,"nonce":"n"})",
        R"({"iss":"https://a","aud":["me","you"],"exp":1001,"nonce":"n"})",
        R"({"iss":"https://a","aud":"me","nonce":"n"})", R"({"iss":"https://a","aud":"me","exp":900,"nonce":"n"})",
        R"({"iss":"https://a","aud":"me","exp":2000,"iat":1900,"nonce":"n"})",
        R"({"iss":"https://a","aud":"me","exp":1001,"nonce":"m"})", R"({"iss":"https://a","aud":"me","exp":1001})"})
    CHECK_FALSE(check(text));
}

}  // namespace hearth::hub
