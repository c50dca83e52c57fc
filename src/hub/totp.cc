#include "hub/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/hash.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr int64_t kStepMs = 30'000;
constexpr size_t kSecretBytes = 20;  // RFC 4226 section 4: 160 bits
constexpr size_t kRecoveryCodes = 10, kRecoverySize = 10;
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

constexpr int64_t kWindowMs = 15 * 60 * 1000;
constexpr int64_t kFailuresOfUser = 10, kFailuresOfAddress = 50;

Status wrong_code() {
  return Status(Code::unauthenticated, "the code is wrong, used or too old");
}

std::string from_base32(std::string_view text) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    bits = bits << 5 | static_cast<uint32_t>(kBase32.find(c) & 31);
    count += 5;
    if (count >= 8) out.push_back(static_cast<char>(bits >> (count -= 8) & 0xFF));
  }
  return out;
}

// The step whose code this is, around now and after `last`; 0 for none.
int64_t matching_step(std::string_view secret, std::string_view code, int64_t last) {
  const auto now = now_ms() / kStepMs;
  for (const auto step : {now, now - 1, now + 1})
    if (step > last && equal_constant_time(totp_code(secret, step), code)) return step;
  return 0;
}

std::string plain(std::string_view code) {
  std::string out;
  for (const char c : code)
    if (c != ' ' && c != '-') out.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  return out;
}

std::string subject_of_user(std::string_view user) {
  return cat("user:", to_lower_ascii(user.substr(0, 100)));
}

}  // namespace

std::string totp_code(std::string_view secret, int64_t step) {
  unsigned char counter[8];
  for (int i = 0; i < 8; ++i) counter[i] = static_cast<unsigned char>(static_cast<uint64_t>(step) >> (56 - 8 * i));
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), counter, sizeof counter, mac, &size);
  const auto at = mac[19] & 15;  // RFC 4226 section 5.3: dynamic truncation
  const auto number = (static_cast<uint32_t>(mac[at] & 0x7F) << 24 | static_cast<uint32_t>(mac[at + 1]) << 16 |
                       static_cast<uint32_t>(mac[at + 2]) << 8 | mac[at + 3]) %
                      1'000'000;
  const auto digits = cat(number);
  return cat(std::string(6 - digits.size(), '0'), digits);
}

std::string to_base32(std::string_view bytes) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    count += 8;
    while (count >= 5) out.push_back(kBase32[bits >> (count -= 5) & 31]);
  }
  if (count > 0) out.push_back(kBase32[bits << (5 - count) & 31]);
  return out;
}

Result<TotpEnrolment> enrol_totp(Hub& hub, const User& user, std::string_view issuer) {
  if (TRY(has_totp(hub, user)))
    return Status(Code::conflict, "a second factor is in use already; remove it first to enrol another");
  TotpEnrolment out;
  out.secret = to_base32(random_bytes(kSecretBytes));
  TRY(hub.db().execute(
      "INSERT INTO totp_secrets (user_id, secret, created_ms) VALUES ($1, $2, $3) ON CONFLICT (user_id) DO UPDATE SET "
      "secret = excluded.secret, last_step = 0, created_ms = excluded.created_ms",
      {user.id, out.secret, now_ms()}));
  out.uri = cat("otpauth://totp/", percent_encode(issuer), ":", percent_encode(user.name), "?secret=", out.secret,
                "&issuer=", percent_encode(issuer), "&algorithm=SHA1&digits=6&period=30");
  return out;
}

Result<std::vector<std::string>> confirm_totp(Hub& hub, const User& user, std::string_view code) {
  auto transaction = TRY(hub.db().begin());
  const auto row =
      TRY(transaction.query_one("SELECT secret FROM totp_secrets WHERE user_id = $1 AND confirmed = 0", {user.id}));
  if (!row) return Status(Code::not_found, "no second factor waits to be confirmed; begin with a new secret");
  const auto step = matching_step(from_base32((*row)[0].text()), plain(code), 0);
  if (step == 0) return wrong_code();
  TRY(transaction.execute("UPDATE totp_secrets SET confirmed = 1, last_step = $2 WHERE user_id = $1", {user.id, step}));
  TRY(transaction.execute("DELETE FROM recovery_codes WHERE user_id = $1", {user.id}));
  std::vector<std::string> out;
  while (out.size() < kRecoveryCodes) {
    const auto recovery = to_lower_ascii(to_base32(random_bytes(kRecoverySize)));
    TRY(transaction.execute("INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $2)",
                            {user.id, sha256_hex(recovery)}));
    out.push_back(cat(recovery.substr(0, recovery.size() / 2), "-", recovery.substr(recovery.size() / 2)));
  }
  TRY(transaction.commit());
  return out;
}

Result<bool> has_totp(const Hub& hub, const User& user) {
  const auto row =
      TRY(hub.db().query_one("SELECT 1 FROM totp_secrets WHERE user_id = $1 AND confirmed = 1", {user.id}));
  return row.has_value();
}

Status check_second_factor(Hub& hub, const User& user, std::string_view code) {
  auto transaction = TRY(hub.db().begin());
  const auto row = TRY(transaction.query_one(
      "SELECT secret, last_step FROM totp_secrets WHERE user_id = $1 AND confirmed = 1", {user.id}));
  if (!row) return wrong_code();
  const auto text = plain(code);
  if (const auto step = matching_step(from_base32((*row)[0].text()), text, (*row)[1].integer())) {
    TRY(transaction.execute("UPDATE totp_secrets SET last_step = $2 WHERE user_id = $1", {user.id, step}));
    return transaction.commit();
  }
  if (TRY(transaction.execute("DELETE FROM recovery_codes WHERE user_id = $1 AND hash = $2",
                              {user.id, sha256_hex(text)})) == 0)
    return wrong_code();
  return transaction.commit();
}

Status reset_totp(Hub& hub, const User& user) {
  auto transaction = TRY(hub.db().begin());
  TRY(transaction.execute("DELETE FROM totp_secrets WHERE user_id = $1", {user.id}));
  TRY(transaction.execute("DELETE FROM recovery_codes WHERE user_id = $1", {user.id}));
  return transaction.commit();
}

Status check_login_allowed(const Hub& hub, std::string_view user, std::string_view address) {
  const auto since = now_ms() - kWindowMs;
  for (const auto& [subject, limit] :
       {std::pair(subject_of_user(user), kFailuresOfUser), std::pair(cat("address:", address), kFailuresOfAddress)}) {
    const auto row = TRY(hub.db().query_one("SELECT failures FROM login_failures WHERE subject = $1 AND first_ms > $2",
                                            {subject, since}));
    if (row && (*row)[0].integer() >= limit)
      return Status(Code::busy, "too many sign-ins have failed; try again in a quarter of an hour");
  }
  return {};
}

Status record_login_failure(Hub& hub, std::string_view user, std::string_view address) {
  const auto now = now_ms();
  auto transaction = TRY(hub.db().begin());
  TRY(transaction.execute("DELETE FROM login_failures WHERE first_ms < $1", {now - kWindowMs}));
  for (const auto& subject : {subject_of_user(user), cat("address:", address)})
    TRY(transaction.execute(
        "INSERT INTO login_failures (subject, failures, first_ms) VALUES ($1, 1, $2) ON CONFLICT (subject) DO UPDATE "
        "SET failures = login_failures.failures + 1",
        {subject, now}));
  return transaction.commit();
}

Status forget_login_failures(Hub& hub, std::string_view user) {
  TRY(hub.db().execute("DELETE FROM login_failures WHERE subject = $1", {subject_of_user(user)}));
  return {};
}

}  // namespace hearth::hub
