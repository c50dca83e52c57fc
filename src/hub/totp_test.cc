#include "hub/totp.h"

#include <doctest/doctest.h>

#include "base/clock.h"
#include "base/files.h"

namespace hearth::hub {

TEST_CASE("totp: the codes of RFC 6238 appendix B, in six digits") {
  constexpr std::string_view secret = "12345678901234567890";
  CHECK(totp_code(secret, 59 / 30) == "287082");
  CHECK(totp_code(secret, 1111111109 / 30) == "081804");
  CHECK(totp_code(secret, 1234567890 / 30) == "005924");
  CHECK(totp_code(secret, 20000000000 / 30) == "353130");
}

TEST_CASE("totp: base32 as RFC 4648 section 10, without padding") {
  CHECK(to_base32("f") == "MY");
  CHECK(to_base32("foobar") == "MZXW6YTBOI");
}

TEST_CASE("totp: a code works once, a recovery code works once, a secret counts once it is confirmed") {
  const TempFolder folder;
  auto hub = Hub::open(folder.path());
  REQUIRE(hub.ok());
  const auto user = (*hub)->accounts().create_user("alice", "a long password");
  REQUIRE(user.ok());
  const auto enrolment = enrol_totp(**hub, *user, "Hearth");
  REQUIRE(enrolment.ok());
  CHECK(enrolment->uri.starts_with("otpauth://totp/Hearth:alice?secret="));
  CHECK_FALSE(*has_totp(**hub, *user));
  CHECK(confirm_totp(**hub, *user, "000000x").status().code() == Code::unauthenticated);

  const auto stored = (*hub)->db().query_one("SELECT secret FROM totp_secrets", {});
  REQUIRE(stored.ok());
  CHECK((**stored)[0].text() == enrolment->secret);
  // The secret's bytes by another road: five bits a letter.
  std::string bits, secret;
  for (const char c : enrolment->secret) {
    const auto value = c >= 'A' ? c - 'A' : c - '2' + 26;
    for (int bit = 4; bit >= 0; --bit) bits.push_back(value >> bit & 1 ? '1' : '0');
  }
  for (size_t i = 0; i + 8 <= bits.size(); i += 8)
    secret.push_back(static_cast<char>(std::stoi(bits.substr(i, 8), nullptr, 2)));
  const auto step = now_ms() / 30'000;
  const auto recovery = confirm_totp(**hub, *user, totp_code(secret, step - 1));
  REQUIRE(recovery.ok());
  CHECK(recovery->size() == 10);
  CHECK(*has_totp(**hub, *user));
  CHECK(enrol_totp(**hub, *user, "Hearth").status().code() == Code::conflict);

  CHECK(check_second_factor(**hub, *user, totp_code(secret, step - 1)).code() == Code::unauthenticated);  // used
  CHECK(check_second_factor(**hub, *user, totp_code(secret, step + 1)).ok());
  CHECK(check_second_factor(**hub, *user, totp_code(secret, step + 1)).code() == Code::unauthenticated);
  CHECK(check_second_factor(**hub, *user, recovery->front()).ok());
  CHECK(check_second_factor(**hub, *user, recovery->front()).code() == Code::unauthenticated);
  CHECK(reset_totp(**hub, *user).ok());
  CHECK_FALSE(*has_totp(**hub, *user));
}

TEST_CASE("totp: sign-ins that fail too often are not tried any more, for the account and for the address") {
  const TempFolder folder;
  auto hub = Hub::open(folder.path());
  REQUIRE(hub.ok());
  for (int i = 0; i < 10; ++i) {
    CHECK(check_login_allowed(**hub, "alice", "10.0.0.1").ok());
    CHECK(record_login_failure(**hub, "Alice", "10.0.0.1").ok());
  }
  CHECK(check_login_allowed(**hub, "ALICE", "10.0.0.2").code() == Code::busy);
  CHECK(check_login_allowed(**hub, "bob", "10.0.0.1").ok());
  for (int i = 0; i < 40; ++i) CHECK(record_login_failure(**hub, "somebody", "10.0.0.1").ok());
  CHECK(check_login_allowed(**hub, "bob", "10.0.0.1").code() == Code::busy);
  CHECK(forget_login_failures(**hub, "alice").ok());
  CHECK(check_login_allowed(**hub, "alice", "10.0.0.2").ok());
}

}  // namespace hearth::hub
