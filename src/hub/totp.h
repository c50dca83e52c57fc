// The second factor of a sign-in: six digits that a phone makes from a shared secret and the time, and recovery codes
// for who lost the phone.
//
// 1. A secret counts once it was confirmed by a code; until then sign-in asks for the password alone.
// 2. No code works twice; a code of the step before or after is taken, for clocks that differ.
// Source: RFC 6238 (TOTP), RFC 4226 (HOTP), RFC 4648 (base32); the otpauth address as authenticator apps read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

/// The six digits of a secret (raw bytes) in a step of 30 seconds since 1970.
std::string totp_code(std::string_view secret, int64_t step);
/// RFC 4648 base32, upper case, without padding.
std::string to_base32(std::string_view bytes);

struct TotpEnrolment {
  std::string secret;  ///< base32, to be typed in
  std::string uri;     ///< "otpauth://totp/...", to be scanned
};
/// A new secret, not yet confirmed; takes the place of an unconfirmed one. conflict when a confirmed one is there.
Result<TotpEnrolment> enrol_totp(Hub& hub, const User& user, std::string_view issuer);
/// Confirms by a code: the recovery codes, shown once. unauthenticated for a wrong code, not_found without enrolment.
Result<std::vector<std::string>> confirm_totp(Hub& hub, const User& user, std::string_view code);
/// Does a sign-in of this user ask for a code?
Result<bool> has_totp(const Hub& hub, const User& user);
/// unauthenticated unless the digits, or a recovery code, are good; either is used up.
Status check_second_factor(Hub& hub, const User& user, std::string_view code);
/// Forgets secret and recovery codes.
Status reset_totp(Hub& hub, const User& user);

/// Failed sign-ins, counted for an account and for an address over a quarter of an hour. Subjects are "user:name" and
/// "address:127.0.0.1". busy when one of them has failed too often: nobody's password is tried then.
Status check_login_allowed(const Hub& hub, std::string_view user, std::string_view address);
Status record_login_failure(Hub& hub, std::string_view user, std::string_view address);
/// A good sign-in clears the account's count, not the address's.
Status forget_login_failures(Hub& hub, std::string_view user);

}  // namespace hearth::hub
