#include "hub/accounts.h"

#include <argon2.h>

#include <semaphore>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "hub/gating.h"
#include "hub/owners.h"
#include "hub/repo_id.h"

namespace hearth::hub {
namespace {

constexpr int64_t kSessionMs = int64_t{30} * 24 * 3600 * 1000;
constexpr int64_t kLoginLinkMs = int64_t{30} * 60 * 1000;
constexpr int64_t kTokenUseMs = 60'000;  // the last use is written at most once a minute
constexpr size_t kHintLetters = 4, kSessionIdLetters = 16;
constexpr size_t kPasswordMin = 8, kPasswordMax = 1024;

// First segments of the site's own addresses: an owner of that name could not be reached.
constexpr std::string_view kReserved[] = {
    "api",    "assets",   "avatars",      "buckets",       "collections", "datasets", "docs",  "engine", "favicon.svg",
    "health", "healthz",  "hf-inference", "info",          "join",        "kernels",  "login", "logout", "metrics",
    "models", "new",      "oauth",        "organizations", "papers",      "ping",     "raw",   "readyz", "resolve",
    "search", "settings", "spaces",       "static",        "tasks",       "v1",       "v2",    "xet",    "lfs"};

// RFC 9106 section 4, second recommended option: 64 MiB, 3 passes, 4 lanes.
constexpr uint32_t kMemoryKib = 64 * 1024, kPasses = 3, kLanes = 4;

// Each hash takes 64 MiB: a flood of logins must not take the machine.
std::counting_semaphore<2>& hashing_slots() {
  static std::counting_semaphore<2> slots(2);
  return slots;
}
struct HashingSlot {
  HashingSlot() { hashing_slots().acquire(); }
  ~HashingSlot() { hashing_slots().release(); }
};

Result<std::string> hash_password(std::string_view password) {
  if (password.size() < kPasswordMin || password.size() > kPasswordMax)
    return Status(Code::bad_input, cat("a password has ", kPasswordMin, " to ", kPasswordMax, " bytes"));
  const HashingSlot slot;
  const auto salt = random_bytes(16);
  char encoded[256];
  const int r = argon2id_hash_encoded(kPasses, kMemoryKib, kLanes, password.data(), password.size(), salt.data(),
                                      salt.size(), 32, encoded, sizeof encoded);
  if (r != ARGON2_OK) return Status(Code::internal, cat("Argon2id: ", std::string_view(argon2_error_message(r))));
  return std::string(encoded);
}

bool password_matches(const std::string& encoded, std::string_view password) {
  if (password.size() > kPasswordMax) return false;
  const HashingSlot slot;
  return argon2id_verify(encoded.c_str(), password.data(), password.size()) == ARGON2_OK;
}

constexpr std::string_view kUserColumns =
    "owners.id, owners.name, owners.fullname, users.email, users.is_admin, owners.created_ms";

User user_of(const store::Row& row) {
  return {.id = row[0].integer(),
          .name = row[1].text(),
          .fullname = row[2].text(),
          .email = row[3].text(),
          .is_admin = row[4].boolean(),
          .created_ms = row[5].integer()};
}

std::optional<int64_t> optional_integer(const store::Value& value) {
  return value.is_null() ? std::nullopt : std::optional(value.integer());
}

Status wrong_login() {
  return Status(Code::unauthenticated, "wrong user name or password");
}

}  // namespace

Status check_owner_name(std::string_view name) {
  TRY(check_name(name));
  for (const auto reserved : kReserved)
    if (equals_ignore_case(name, reserved))
      return Status(Code::bad_input, cat("the name '", name, "' is the site's own"));
  return {};
}

std::string author_email(const User& user) {
  return user.email.empty() ? cat(user.name, "@users.noreply.hearth.invalid") : user.email;
}

std::string_view role_name(TokenRole role) {
  constexpr std::string_view names[] = {"read", "write", "fineGrained"};
  return names[static_cast<size_t>(role)];
}

Result<TokenRole> parse_role(std::string_view text) {
  for (const auto role : {TokenRole::read, TokenRole::write, TokenRole::fine_grained})
    if (text == role_name(role)) return role;
  return Status(Code::bad_input, cat("role '", text.substr(0, 40), "' is not known (read, write, fineGrained)"));
}

std::string_view role_name(OrgRole role) {
  constexpr std::string_view names[] = {"no_access", "read", "contributor", "write", "admin"};
  return names[static_cast<size_t>(role)];
}

Result<OrgRole> parse_org_role(std::string_view text) {
  for (const auto role : {OrgRole::no_access, OrgRole::read, OrgRole::contributor, OrgRole::write, OrgRole::admin})
    if (text == role_name(role)) return role;
  return Status(Code::bad_input,
                cat("role '", text.substr(0, 40), "' is not known (read, contributor, write, admin, no_access)"));
}

OrgRole Caller::role_in(int64_t org_id) const {
  for (const auto& membership : memberships)
    if (membership.org_id == org_id) return membership.lacks_factor ? OrgRole::no_access : membership.role;
  return OrgRole::no_access;
}

Status Caller::check_factor(int64_t org_id) const {
  for (const auto& membership : memberships)
    if (membership.org_id == org_id && membership.lacks_factor)
      return Status(Code::forbidden,
                    cat(membership.org, " asks its members for a second factor, and ", name(),
                        " has none: enable one in the account's settings (docs/sign-in.md), then this works again"));
  return {};
}

const Membership* Caller::membership(std::string_view org) const {
  for (const auto& membership : memberships)
    if (equals_ignore_case(membership.org, org)) return &membership;
  return nullptr;
}

Status check_token(const Caller& caller, std::string_view permission, const Subject& subject) {
  if (caller.anonymous())
    return Status(Code::unauthenticated,
                  cat("this needs a token, with the permission ", permission, " if it is fine-grained"));
  if (caller.scopes) {
    if (allows(*caller.scopes, permission, subject)) return {};
    return Status(Code::forbidden, cat("this token lacks the permission ", permission,
                                       permission == "discussion.write" ? " (or repo.write) here" : " here"));
  }
  // Reading tokens run models, as on the Hub.
  if (caller.role == TokenRole::read && !permission.ends_with(".read") && !permission.starts_with("inference."))
    return Status(Code::forbidden, "this token may only read; use one with the write role");
  return {};
}

Result<User> Accounts::create_user(std::string_view name, std::string_view password, bool is_admin) {
  TRY(check_owner_name(name));
  const auto hash = TRY(hash_password(password));
  auto transaction = TRY(db_.begin());
  TRY(check_name_free(transaction, name));
  TRY(transaction.execute("INSERT INTO owners (kind, name, created_ms) VALUES ('user', $1, $2)", {name, now_ms()}));
  TRY(transaction.execute(
      "INSERT INTO users (owner_id, password_hash, is_admin) SELECT id, $2, $3 FROM owners WHERE name = $1",
      {name, hash, is_admin}));
  TRY(transaction.commit());
  return user(name);
}

Result<User> Accounts::user(std::string_view name) const {
  const auto row = TRY(db_.query_one(
      cat("SELECT ", kUserColumns, " FROM owners JOIN users ON users.owner_id = owners.id WHERE owners.name = $1"),
      {name}));
  if (!row) return Status(Code::not_found, cat("there is no user '", name.substr(0, 100), "'"));
  return user_of(*row);
}

Status Accounts::set_password(std::string_view name, std::string_view password) {
  const auto found = TRY(user(name));
  const auto hash = TRY(hash_password(password));
  TRY(db_.execute("UPDATE users SET password_hash = $2 WHERE owner_id = $1", {found.id, hash}));
  return {};
}

Result<User> Accounts::login(std::string_view name, std::string_view password) const {
  const auto row = TRY(db_.query_one(
      "SELECT users.password_hash FROM owners JOIN users ON users.owner_id = owners.id WHERE owners.name = $1",
      {name}));
  // An unknown name costs one hash as well, so that names cannot be told by time.
  static const std::string no_user = hash_password(random_token(20)).value_or("");
  if (!password_matches(row ? (*row)[0].text() : no_user, password) || !row) return wrong_login();
  return user(name);
}

Result<std::string> Accounts::create_token(const User& user, TokenRole role, std::string_view display_name,
                                           const TokenLimits& limits) {
  const auto now = now_ms();
  if (limits.scopes.has_value() != (role == TokenRole::fine_grained))
    return Status(Code::bad_input, "a token has scopes when its role is fineGrained, and only then");
  if (limits.expires_ms && *limits.expires_ms <= now)
    return Status(Code::bad_input, cat("the token would have expired at ", iso_time(*limits.expires_ms), " already"));
  if (!is_utf8(display_name)) return Status(Code::bad_input, "the token's name is not text");
  auto token = cat("hf_", random_token(34));
  std::optional<std::string> scopes;
  if (limits.scopes) scopes = format_scopes(*limits.scopes);
  if (scopes) TRY(parse_scopes(*scopes));
  // A fine-grained token's row says `read`: a program that knows no scopes gives it the least.
  const auto stored_role = role == TokenRole::write ? TokenRole::write : TokenRole::read;
  TRY(
      db_.execute("INSERT INTO tokens (user_id, hash, role, name, created_ms, scopes, expires_ms, hint, publisher_id) "
                  "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                  {user.id, sha256_hex(token), role_name(stored_role), display_name.substr(0, 200), now, scopes,
                   limits.expires_ms, token.substr(token.size() - kHintLetters),
                   limits.publisher_id == 0 ? store::Value() : store::Value(limits.publisher_id)}));
  return token;
}

Result<std::vector<TokenInfo>> Accounts::tokens(const User& user) const {
  std::vector<TokenInfo> out;
  for (const auto& row :
       TRY(db_.query("SELECT id, name, role, created_ms, used_ms, scopes, expires_ms, hint FROM "
                     "tokens WHERE user_id = $1 AND oauth_grant_id IS NULL AND publisher_id IS NULL ORDER BY id",
                     {user.id}))) {
    TokenInfo info{.id = row[0].integer(),
                   .name = row[1].text(),
                   .role = TRY(parse_role(row[2].text())),
                   .created_ms = row[3].integer(),
                   .used_ms = optional_integer(row[4]),
                   .expires_ms = optional_integer(row[6]),
                   .hint = row[7].text()};
    if (!row[5].is_null()) {
      info.scopes = TRY(parse_scopes(row[5].text()));
      info.role = TokenRole::fine_grained;
    }
    out.push_back(std::move(info));
  }
  return out;
}

Status Accounts::delete_token(const User& user, int64_t token_id) {
  if (TRY(db_.execute("DELETE FROM tokens WHERE user_id = $1 AND id = $2", {user.id, token_id})) == 0)
    return Status(Code::not_found, cat(user.name, " has no token ", token_id));
  return {};
}

// Memberships and group roles in one query: this runs at every request.
Status Accounts::add_roles(Caller& caller) const {
  for (const auto& row :
       TRY(db_.query("SELECT 1, memberships.org_id, memberships.org_id, memberships.role, owners.name, "
                     "CASE WHEN orgs.require_totp = 1 AND NOT EXISTS (SELECT 1 FROM totp_secrets WHERE "
                     "totp_secrets.user_id = memberships.user_id AND totp_secrets.confirmed = 1) THEN 1 ELSE 0 END "
                     "FROM memberships JOIN owners ON owners.id = "
                     "memberships.org_id JOIN orgs ON orgs.owner_id = owners.id WHERE memberships.user_id = $1 UNION "
                     "ALL SELECT 0, resource_group_members.group_id, resource_groups.org_id, "
                     "resource_group_members.role, '', 0 FROM resource_group_members JOIN resource_groups ON "
                     "resource_groups.id = "
                     "resource_group_members.group_id WHERE resource_group_members.user_id = $1",
                     {caller.user->id}))) {
    const auto role = TRY(parse_org_role(row[3].text()));
    if (row[0].boolean())
      caller.memberships.push_back({row[1].integer(), row[4].text(), role, row[5].boolean()});
    else
      caller.groups.push_back({row[1].integer(), row[2].integer(), role});
  }
  std::erase_if(caller.groups, [&](const GroupRole& group) { return !caller.check_factor(group.org_id).ok(); });
  caller.grants = TRY(grants_of(db_, caller.user->id));
  return {};
}

Result<Caller> Accounts::caller_of(const User& user) const {
  Caller out{.user = user};
  TRY(add_roles(out));
  return out;
}

Result<Caller> Accounts::caller_by_token(std::string_view token) const {
  const auto now = now_ms();
  const auto row = TRY(db_.query_one(
      cat("SELECT ", kUserColumns,
          ", tokens.role, tokens.name, tokens.created_ms, tokens.id, tokens.used_ms, tokens.scopes, tokens.expires_ms "
          "FROM tokens JOIN users ON users.owner_id = tokens.user_id JOIN owners ON owners.id = users.owner_id "
          "WHERE tokens.hash = $1"),
      {sha256_hex(token)}));
  if (!row || (!(*row)[12].is_null() && (*row)[12].integer() <= now))
    return Status(Code::unauthenticated, "Invalid credentials in Authorization header");
  const auto& columns = *row;
  if (now - columns[10].integer() > kTokenUseMs) {
    const auto written = db_.execute("UPDATE tokens SET used_ms = $2 WHERE id = $1", {columns[9].integer(), now});
    static_cast<void>(written.ok());  // a full disk must not lock everybody out
  }
  Caller out{.user = user_of(columns),
             .role = TRY(parse_role(columns[6].text())),
             .token_name = columns[7].text(),
             .token_created_ms = columns[8].integer(),
             .token_expires_ms = optional_integer(columns[12]),
             .token_id = columns[9].integer()};
  if (!columns[11].is_null()) {
    out.scopes = TRY(parse_scopes(columns[11].text()));
    out.role = TokenRole::fine_grained;
  }
  TRY(add_roles(out));
  return out;
}

Result<std::string> Accounts::create_session(const User& user, const SessionOrigin& origin) {
  auto secret = random_token(40);
  const auto now = now_ms();
  TRY(db_.execute("DELETE FROM sessions WHERE expires_ms < $1", {now}));
  TRY(
      db_.execute("INSERT INTO sessions (hash, user_id, expires_ms, created_ms, used_ms, agent, address) VALUES "
                  "($1, $2, $3, $4, $4, $5, $6)",
                  {sha256_hex(secret), user.id, now + kSessionMs, now,
                   utf8_replace_errors(std::string_view(origin.agent).substr(0, 300)), origin.address}));
  return secret;
}

Result<Caller> Accounts::caller_by_session(std::string_view secret) const {
  const auto now = now_ms();
  const auto hash = sha256_hex(secret);
  const auto row = TRY(db_.query_one(
      cat("SELECT ", kUserColumns,
          ", sessions.used_ms FROM sessions JOIN users ON users.owner_id = sessions.user_id JOIN owners ON owners.id = "
          "users.owner_id WHERE sessions.hash = $1 AND sessions.expires_ms > $2"),
      {hash, now}));
  if (!row) return Status(Code::unauthenticated, "the session has ended; log in again");
  if (now - (*row)[6].integer() > kTokenUseMs) {
    const auto written = db_.execute("UPDATE sessions SET used_ms = $2 WHERE hash = $1", {hash, now});
    static_cast<void>(written.ok());
  }
  Caller out{.user = user_of(*row), .session_id = hash.substr(0, kSessionIdLetters)};
  TRY(add_roles(out));
  return out;
}

Result<std::vector<SessionInfo>> Accounts::sessions(const User& user) const {
  std::vector<SessionInfo> out;
  for (const auto& row : TRY(db_.query("SELECT hash, created_ms, used_ms, expires_ms, address, agent FROM sessions "
                                       "WHERE user_id = $1 AND expires_ms > $2 ORDER BY created_ms DESC, hash",
                                       {user.id, now_ms()})))
    out.push_back({.id = row[0].text().substr(0, kSessionIdLetters),
                   .created_ms = row[1].integer(),
                   .used_ms = row[2].integer(),
                   .expires_ms = row[3].integer(),
                   .origin = {.address = row[4].text(), .agent = row[5].text()}});
  return out;
}

Status Accounts::revoke_session(const User& user, std::string_view id) {
  if (TRY(db_.execute("DELETE FROM sessions WHERE user_id = $1 AND substr(hash, 1, 16) = $2", {user.id, id})) == 0)
    return Status(Code::not_found, cat(user.name, " has no session ", id.substr(0, 40)));
  return {};
}

Status Accounts::revoke_sessions(const User& user, std::string_view kept) {
  TRY(db_.execute("DELETE FROM sessions WHERE user_id = $1 AND substr(hash, 1, 16) <> $2", {user.id, kept}));
  return {};
}

Status Accounts::end_session(std::string_view secret) {
  TRY(db_.execute("DELETE FROM sessions WHERE hash = $1", {sha256_hex(secret)}));
  return {};
}

Result<std::string> Accounts::create_login_link(const User& user) {
  auto secret = random_token(32);
  const auto now = now_ms();
  TRY(db_.execute("DELETE FROM login_links WHERE expires_ms < $1", {now}));
  TRY(db_.execute("INSERT INTO login_links (hash, user_id, expires_ms) VALUES ($1, $2, $3)",
                  {sha256_hex(secret), user.id, now + kLoginLinkMs}));
  return secret;
}

Result<User> Accounts::use_login_link(std::string_view secret) {
  const auto row = TRY(db_.query_one(cat("SELECT ", kUserColumns,
                                         " FROM login_links JOIN users ON users.owner_id = login_links.user_id JOIN "
                                         "owners ON owners.id = users.owner_id "
                                         "WHERE login_links.hash = $1 AND login_links.expires_ms > $2"),
                                     {sha256_hex(secret), now_ms()}));
  // Whoever removes the row has used the link: two at once cannot both.
  if (!row || TRY(db_.execute("DELETE FROM login_links WHERE hash = $1", {sha256_hex(secret)})) == 0)
    return Status(Code::unauthenticated, "this login link is unknown, used or older than 30 minutes; make a new one");
  return user_of(*row);
}

}  // namespace hearth::hub
