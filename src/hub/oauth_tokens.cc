// Codes, devices, access and refresh tokens of oauth.h.
#include <algorithm>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "hub/oauth.h"
#include "hub/oauth_rows.h"

namespace hearth::hub {
namespace {

constexpr int64_t kCodeMs = 5 * 60 * 1000;
constexpr int64_t kRefreshMs = int64_t{90} * 24 * 3600 * 1000;
constexpr int64_t kDeviceMs = 15 * 60 * 1000;
constexpr int64_t kDeviceIntervalMs = 5000;
constexpr size_t kVerifierMin = 43, kVerifierMax = 128;  // RFC 7636 section 4.1

// RFC 8628 section 6.1: letters that make no words and are not mistaken for one another.
constexpr std::string_view kUserCodeLetters = "BCDFGHJKLMNPQRSTVWXZ";
constexpr size_t kUserCodeSize = 8;

Status refuse(std::string_view error, std::string_view why) {
  return Status(error == "invalid_client" ? Code::unauthenticated : Code::bad_input, cat(error, ": ", why));
}

// What the scopes let a token do; nothing: as a writing token.
std::optional<TokenScopes> rights_of(const OAuthApp& app, std::string_view scopes, const User& user,
                                     const std::vector<int64_t>& orgs) {
  if (app.first_party) return std::nullopt;
  TokenScopes out;
  out.can_read_gated_repos = has_scope(scopes, "gated-repos");
  TokenScope own{.type = "user", .id = user.id, .permissions = {}};
  const auto give = [&](std::string_view scope, std::string_view permission) {
    if (has_scope(scopes, scope)) own.permissions.emplace_back(permission);
  };
  give("read-repos", "repo.content.read");
  for (const auto scope : {"contribute-repos", "write-repos", "manage-repos"}) give(scope, "repo.write");
  give("read-collections", "collection.read");
  give("write-collections", "collection.write");
  if (!own.permissions.empty())
    for (const auto org : orgs) out.scoped.push_back({.type = "org", .id = org, .permissions = own.permissions});
  give("jobs", "job.write");
  give("webhooks", "user.webhooks.write");
  give("inference-api", "inference.serverless.write");
  if (!own.permissions.empty()) out.scoped.push_back(std::move(own));
  if (has_scope(scopes, "write-discussions")) out.global.emplace_back("discussion.write");
  if (has_scope(scopes, "inference-api")) out.global.emplace_back("inference.serverless.write");
  return out;
}

struct Grant {
  int64_t id = 0, user_id = 0;
  OAuthApp app;
  User user;
  std::vector<int64_t> orgs;
};

Result<Grant> grant_by_number(store::Transaction& transaction, int64_t id) {
  const auto row = TRY(transaction.query_one(
      cat("SELECT ", app_columns(),
          ", oauth_grants.user_id, owners.name, owners.fullname, users.email, users.is_admin, owners.created_ms, "
          "oauth_grants.orgs FROM oauth_grants JOIN oauth_apps ON oauth_apps.id = oauth_grants.app_id JOIN users ON "
          "users.owner_id = "
          "oauth_grants.user_id JOIN owners ON owners.id = users.owner_id WHERE oauth_grants.id = $1"),
      {id}));
  if (!row) return refuse("invalid_grant", "the user has taken the permission back");
  const auto& columns = *row;
  Grant out{.id = id, .user_id = columns[kAppColumnCount].integer(), .app = app_of(columns)};
  out.user = {.id = out.user_id,
              .name = columns[kAppColumnCount + 1].text(),
              .fullname = columns[kAppColumnCount + 2].text(),
              .email = columns[kAppColumnCount + 3].text(),
              .is_admin = columns[kAppColumnCount + 4].boolean(),
              .created_ms = columns[kAppColumnCount + 5].integer()};
  out.orgs = numbers_of(columns[kAppColumnCount + 6].text());
  return out;
}

Status end_chain(store::Transaction& transaction, const std::string& chain) {
  if (chain.empty()) return {};
  TRY(transaction.execute("DELETE FROM tokens WHERE oauth_chain = $1", {chain}));
  TRY(transaction.execute("UPDATE oauth_refresh_tokens SET used_ms = $2 WHERE chain = $1 AND used_ms IS NULL",
                          {chain, now_ms()}));
  return {};
}

Result<OAuthTokens> issue(store::Transaction& transaction, Grant grant, std::string scopes, const std::string& chain) {
  const auto now = now_ms();
  OAuthTokens out{.access_token = cat("hf_oauth_", random_token(48)),
                  .refresh_token = cat("hf_oauth__refresh_", random_token(48)),
                  .scopes = std::move(scopes),
                  .expires_s = grant.app.token_minutes * 60,
                  .app = std::move(grant.app),
                  .user = std::move(grant.user),
                  .orgs = std::move(grant.orgs),
                  .signed_in_ms = now};
  const auto rights = rights_of(out.app, out.scopes, out.user, out.orgs);
  TRY(transaction.execute("DELETE FROM tokens WHERE oauth_grant_id = $1 AND expires_ms < $2", {grant.id, now}));
  TRY(transaction.execute("DELETE FROM oauth_refresh_tokens WHERE grant_id = $1 AND expires_ms < $2", {grant.id, now}));
  TRY(transaction.execute(
      "INSERT INTO tokens (user_id, hash, role, name, created_ms, scopes, expires_ms, oauth_grant_id, oauth_scopes, "
      "oauth_chain) VALUES ($1, $2, $3, '', $4, $5, $6, $7, $8, $9)",
      {out.user.id, sha256_hex(out.access_token), rights ? "read" : "write", now,
       rights ? std::optional(format_scopes(*rights)) : std::nullopt, now + out.expires_s * 1000, grant.id, out.scopes,
       chain}));
  TRY(transaction.execute(
      "INSERT INTO oauth_refresh_tokens (hash, grant_id, chain, scopes, expires_ms) VALUES ($1, $2, $3, $4, $5)",
      {sha256_hex(out.refresh_token), grant.id, chain, out.scopes, now + kRefreshMs}));
  TRY(transaction.execute("UPDATE oauth_grants SET used_ms = $2 WHERE id = $1", {grant.id, now}));
  return out;
}

// Only organisations of one's own are opened to somebody else.
Status check_orgs(const std::vector<int64_t>& orgs, const Caller& caller) {
  for (const auto id : orgs)
    if (std::none_of(caller.memberships.begin(), caller.memberships.end(),
                     [&](const Membership& membership) { return membership.org_id == id; }))
      return Status(Code::forbidden, cat(caller.name(), " is no member of the organisation that was asked for"));
  return {};
}

Status check_member(const OAuthApp& app, const Caller& caller) {
  if (caller.anonymous()) return Status(Code::unauthenticated, "log in to let an application in");
  if (app.orgs.empty()) return {};
  for (const auto& org : app.orgs)
    if (caller.membership(org)) return {};
  return Status(Code::forbidden, cat(app.name, " is for members of ", join(app.orgs, ", "), " alone"));
}

Result<int64_t> make_grant(store::Transaction& transaction, const OAuthApp& app, const User& user,
                           std::string_view scopes, const std::optional<std::vector<int64_t>>& orgs = std::nullopt) {
  const auto now = now_ms();
  const auto before = TRY(transaction.query_one(
      "SELECT scopes, orgs FROM oauth_grants WHERE app_id = $1 AND user_id = $2", {app.id, user.id}));
  std::string all(before ? (*before)[0].text() : "");
  for (const auto name : split(scopes, ' '))
    if (!name.empty() && !has_scope(all, name)) all += cat(all.empty() ? "" : " ", name);
  const auto chosen = orgs ? json_of(*orgs) : before ? (*before)[1].text() : std::string("[]");
  const auto row = TRY(transaction.query_one(
      "INSERT INTO oauth_grants (app_id, user_id, scopes, orgs, created_ms, used_ms) VALUES ($1, $2, $3, $5, $4, $4) "
      "ON CONFLICT (app_id, user_id) DO UPDATE SET scopes = excluded.scopes, orgs = excluded.orgs RETURNING id",
      {app.id, user.id, all, now, chosen}));
  return (*row)[0].integer();
}

std::string plain_user_code(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != '-' && c != ' ') out.push_back(static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  return out;
}

std::string new_user_code() {
  std::string out;
  while (out.size() < kUserCodeSize) {
    const auto byte = static_cast<unsigned char>(random_bytes(1)[0]);
    if (byte < 240)
      out.push_back(kUserCodeLetters[byte % kUserCodeLetters.size()]);  // 240 = 12 * 20: no letter is likelier
  }
  return out;
}

Status check_client(const Hub& hub, const OAuthApp& app, std::string_view client_id, std::string_view secret) {
  if (client_id != app.client_id) return refuse("invalid_grant", "it was given to another client");
  return check_oauth_secret(hub, app, secret);
}

}  // namespace

Result<std::string> approve_code(Hub& hub, const OAuthApp& app, const Caller& caller, const CodeRequest& request) {
  TRY(check_member(app, caller));
  if (request.orgs) TRY(check_orgs(*request.orgs, caller));
  auto code = random_token(40);
  auto transaction = TRY(hub.db().begin());
  const auto grant = TRY(make_grant(transaction, app, *caller.user, request.scopes, request.orgs));
  const auto now = now_ms();
  TRY(transaction.execute("DELETE FROM oauth_codes WHERE created_ms < $1", {now - int64_t{3600} * 1000}));
  TRY(transaction.execute(
      "INSERT INTO oauth_codes (hash, grant_id, redirect_uri, challenge, nonce, scopes, created_ms) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7)",
      {sha256_hex(code), grant, request.redirect_uri, request.challenge, request.nonce, request.scopes, now}));
  TRY(transaction.commit());
  return code;
}

Result<OAuthTokens> use_code(Hub& hub, const CodeUse& use) {
  auto transaction = TRY(hub.db().begin());
  const auto row = TRY(transaction.query_one(
      "SELECT grant_id, redirect_uri, challenge, nonce, scopes, created_ms, chain FROM oauth_codes WHERE hash = $1",
      {sha256_hex(use.code)}));
  if (!row || now_ms() - (*row)[5].integer() > kCodeMs)
    return refuse("invalid_grant", "the code is unknown or older than five minutes");
  const auto& columns = *row;
  if (const auto chain = columns[6].text(); !chain.empty()) {
    TRY(end_chain(transaction, chain));
    TRY(transaction.commit());
    return refuse("invalid_grant", "the code was used already; the tokens that it gave are ended");
  }
  auto grant = TRY(grant_by_number(transaction, columns[0].integer()));
  const auto& challenge = columns[2].text();
  // @huggingface/hub 2.17.5 oauthHandleRedirect names no client: the code does, and the verifier proves it.
  if (!(use.client_id.empty() && !challenge.empty() && use.secret.empty())) {
    if (grant.app.is_public || !use.secret.empty() || challenge.empty())
      TRY(check_client(hub, grant.app, use.client_id, use.secret));
    else if (use.client_id != grant.app.client_id)
      return refuse("invalid_grant", "the code was given to another client");
  }
  if (use.redirect_uri != columns[1].text())
    return refuse("invalid_grant", "redirect_uri is not the one that the code was asked for with");
  if (!challenge.empty()) {
    if (use.verifier.size() < kVerifierMin || use.verifier.size() > kVerifierMax ||
        !equal_constant_time(to_base64url(sha256(use.verifier)), challenge))
      return refuse("invalid_grant", "code_verifier does not fit the code's challenge");
  } else if (!use.verifier.empty()) {
    return refuse("invalid_grant", "the code was asked for without a challenge");
  }
  const auto chain = random_token(24);
  TRY(transaction.execute("UPDATE oauth_codes SET chain = $2 WHERE hash = $1", {sha256_hex(use.code), chain}));
  auto out = TRY(issue(transaction, std::move(grant), columns[4].text(), chain));
  out.nonce = columns[3].text();
  out.signed_in_ms = columns[5].integer();
  TRY(transaction.commit());
  return out;
}

Result<OAuthTokens> use_refresh_token(Hub& hub, std::string_view token, std::string_view client_id,
                                      std::string_view secret) {
  auto transaction = TRY(hub.db().begin());
  const auto hash = sha256_hex(token);
  const auto row = TRY(transaction.query_one(
      "SELECT grant_id, chain, scopes, expires_ms, used_ms FROM oauth_refresh_tokens WHERE hash = $1", {hash}));
  if (!row || (*row)[3].integer() < now_ms())
    return refuse("invalid_grant", "the refresh token is unknown, revoked or expired");
  const auto& columns = *row;
  const auto chain = columns[1].text();
  if (!columns[4].is_null()) {
    TRY(end_chain(transaction, chain));
    TRY(transaction.commit());
    return refuse("invalid_grant", "the refresh token was used already; the tokens that followed it are ended");
  }
  auto grant = TRY(grant_by_number(transaction, columns[0].integer()));
  TRY(check_client(hub, grant.app, client_id, secret));
  TRY(transaction.execute("UPDATE oauth_refresh_tokens SET used_ms = $2 WHERE hash = $1", {hash, now_ms()}));
  TRY(transaction.execute("DELETE FROM tokens WHERE oauth_chain = $1", {chain}));
  auto out = TRY(issue(transaction, std::move(grant), columns[2].text(), chain));
  TRY(transaction.commit());
  return out;
}

Status revoke_oauth_token(Hub& hub, std::string_view token) {
  auto transaction = TRY(hub.db().begin());
  const auto hash = sha256_hex(token);
  const auto row = TRY(transaction.query_one(
      "SELECT chain FROM oauth_refresh_tokens WHERE hash = $1 UNION ALL SELECT oauth_chain FROM tokens WHERE hash = $1",
      {hash}));
  if (row) TRY(end_chain(transaction, (*row)[0].text()));
  return transaction.commit();
}

Result<DeviceRequest> start_device(Hub& hub, const OAuthApp& app, std::string_view scopes) {
  DeviceRequest out{.device_code = random_token(40),
                    .user_code = new_user_code(),
                    .expires_s = kDeviceMs / 1000,
                    .interval_s = kDeviceIntervalMs / 1000};
  const auto now = now_ms();
  auto transaction = TRY(hub.db().begin());
  TRY(transaction.execute("DELETE FROM oauth_devices WHERE expires_ms < $1", {now - kDeviceMs}));
  TRY(transaction.execute(
      "INSERT INTO oauth_devices (hash, user_code, app_id, scopes, state, expires_ms) VALUES ($1, "
      "$2, $3, $4, 'pending', $5)",
      {sha256_hex(out.device_code), out.user_code, app.id, allowed_scopes(app, scopes), now + kDeviceMs}));
  TRY(transaction.commit());
  out.user_code = cat(out.user_code.substr(0, kUserCodeSize / 2), "-", out.user_code.substr(kUserCodeSize / 2));
  return out;
}

Result<DeviceAsk> find_device(const Hub& hub, std::string_view user_code) {
  const auto row = TRY(hub.db().query_one(
      cat("SELECT ", app_columns(),
          ", oauth_devices.scopes FROM oauth_devices JOIN oauth_apps ON oauth_apps.id = oauth_devices.app_id WHERE "
          "oauth_devices.user_code = $1 AND oauth_devices.state = 'pending' AND oauth_devices.expires_ms > $2"),
      {plain_user_code(user_code), now_ms()}));
  if (!row) return Status(Code::not_found, "this code is unknown, used or older than 15 minutes; ask for a new one");
  return DeviceAsk{app_of(*row), (*row)[kAppColumnCount].text()};
}

Status decide_device(Hub& hub, std::string_view user_code, const Caller& caller, bool allow) {
  const auto asked = TRY(find_device(hub, user_code));
  TRY(check_member(asked.app, caller));
  auto transaction = TRY(hub.db().begin());
  std::optional<int64_t> grant;
  if (allow) grant = TRY(make_grant(transaction, asked.app, *caller.user, asked.scopes));
  TRY(transaction.execute(
      "UPDATE oauth_devices SET state = $2, grant_id = $3 WHERE user_code = $1 AND state = 'pending'",
      {plain_user_code(user_code), allow ? "approved" : "denied", grant}));
  return transaction.commit();
}

Result<OAuthTokens> poll_device(Hub& hub, std::string_view device_code, std::string_view client_id,
                                std::string_view secret) {
  const auto hash = sha256_hex(device_code);
  auto transaction = TRY(hub.db().begin());
  const auto row = TRY(transaction.query_one(
      cat("SELECT ", app_columns(),
          ", oauth_devices.scopes, oauth_devices.state, oauth_devices.grant_id, oauth_devices.expires_ms, "
          "oauth_devices.polled_ms FROM oauth_devices JOIN oauth_apps ON oauth_apps.id = oauth_devices.app_id WHERE "
          "oauth_devices.hash = $1"),
      {hash}));
  if (!row) return refuse("expired_token", "the device code is unknown, used or expired");
  const auto columns = std::span(*row).subspan(kAppColumnCount);
  TRY(check_client(hub, app_of(*row), client_id, secret));
  const auto now = now_ms();
  if (columns[3].integer() < now) return refuse("expired_token", "the device code is older than 15 minutes");
  const auto& state = columns[1].text();
  if (state == "pending") {
    const bool early = now - columns[4].integer() < kDeviceIntervalMs - 500;  // half a second for the network
    TRY(transaction.execute("UPDATE oauth_devices SET polled_ms = $2 WHERE hash = $1", {hash, now}));
    TRY(transaction.commit());
    if (early) return refuse("slow_down", "ask every five seconds");
    return refuse("authorization_pending", "the user has not decided yet");
  }
  TRY(transaction.execute("DELETE FROM oauth_devices WHERE hash = $1", {hash}));
  if (state == "denied") {
    TRY(transaction.commit());
    return refuse("access_denied", "the user has refused");
  }
  auto grant = TRY(grant_by_number(transaction, columns[2].integer()));
  auto out = TRY(issue(transaction, std::move(grant), columns[0].text(), random_token(24)));
  TRY(transaction.commit());
  return out;
}

}  // namespace hearth::hub
