// Accounts: users with Argon2id passwords, access tokens, browser sessions, one-time login links; and who a caller is,
// with every role that the rule of access (hub/repo.h) looks at.
//
// 1. Secrets are stored as SHA-256 (tokens, sessions, links: high entropy) or Argon2id (passwords), never themselves.
// 2. A login link works once and for half an hour; a session for thirty days; a token until its time, if it has one.
// 3. Roles are read at each request: a member removed, a token revoked or a role changed counts at once.
// Source: RFC 9106 (Argon2id, second recommended option); huggingface_hub 2.4.0 for the token's form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/permissions.h"
#include "store/db.h"

namespace hearth::hub {

struct User {
  int64_t id = 0;  ///< of the owner row: users own repositories
  std::string name;
  std::string fullname;
  std::string email;
  bool is_admin = false;
  int64_t created_ms = 0;
};

/// How commits name the user: the account's address, or one that reaches nobody.
std::string author_email(const User& user);

/// The rule for names of users and organisations: check_name, and none of the site's own first segments.
Status check_owner_name(std::string_view name);

/// What became of somebody's request for the files of a gated repository (hub/gating.h).
enum class AccessStatus { pending, accepted, rejected };
struct AccessGrant {
  int64_t repo_id = 0;
  AccessStatus status = AccessStatus::pending;
};

enum class TokenRole { read, write, fine_grained };
/// "read", "write", "fineGrained".
std::string_view role_name(TokenRole role);
Result<TokenRole> parse_role(std::string_view text);

/// What a member of an organisation or of a resource group may do; each includes the ones before.
enum class OrgRole {
  no_access,    ///< a member by name alone: only what resource groups give
  read,         ///< read private repositories
  contributor,  ///< create repositories, and change the own ones
  write,        ///< change, delete and rename all repositories
  admin,        ///< the organisation's settings, members and groups
};
/// "no_access", "read", "contributor", "write", "admin".
std::string_view role_name(OrgRole role);
Result<OrgRole> parse_org_role(std::string_view text);

/// A user's place in an organisation.
struct Membership {
  int64_t org_id = 0;
  std::string org;
  OrgRole role = OrgRole::read;
  bool lacks_factor = false;  ///< the organisation asks for a second factor that the user has not: the role is asleep
};
/// A user's place in a resource group.
struct GroupRole {
  int64_t group_id = 0;
  int64_t org_id = 0;
  OrgRole role = OrgRole::read;
};

/// Who asks, and with what right: an anonymous visitor, a session of the browser, or a token.
struct Caller {
  std::optional<User> user = {};
  TokenRole role = TokenRole::write;  ///< a session may do what its user may
  std::string token_name = {};        ///< empty unless a token was shown
  int64_t token_created_ms = 0;
  std::optional<int64_t> token_expires_ms = {};
  std::optional<TokenScopes> scopes = {};  ///< of a fine-grained token
  std::vector<Membership> memberships = {};
  std::vector<GroupRole> groups = {};
  std::vector<AccessGrant> grants = {};  ///< the user's requests, by rising repository number
  int64_t token_id = 0;                  ///< 0 unless a token was shown
  std::string session_id = {};           ///< empty unless a session was shown

  bool anonymous() const { return !user; }
  std::string_view name() const { return user ? std::string_view(user->name) : std::string_view(); }
  /// no_access unless a member, also while the place is asleep.
  OrgRole role_in(int64_t org_id) const;
  /// Ok, or forbidden, saying how to wake the place in the organisation up again.
  Status check_factor(int64_t org_id) const;
  /// By the name's letters in any case; null unless a member.
  const Membership* membership(std::string_view org) const;
};

/// May the caller's token do this there? Sessions and writing tokens may do all that their user may, reading tokens
/// what ends in `.read`. unauthenticated for visitors, forbidden with the permission's name otherwise.
Status check_token(const Caller& caller, std::string_view permission, const Subject& subject);

struct TokenInfo {
  int64_t id = 0;
  std::string name;
  TokenRole role = TokenRole::read;
  int64_t created_ms = 0;
  std::optional<int64_t> used_ms = {};
  std::optional<int64_t> expires_ms = {};
  std::optional<TokenScopes> scopes = {};
  std::string hint = {};  ///< the last letters of the secret, for people with several
};

/// What a token is beyond its role.
struct TokenLimits {
  std::optional<TokenScopes> scopes = {};  ///< of a fine-grained token
  std::optional<int64_t> expires_ms = {};  ///< when it stops to work; nothing: never
  int64_t publisher_id = 0;                ///< the trusted publisher that it ends with (hub/publishers.h); 0: none
};

/// Where a browser signed in from.
struct SessionOrigin {
  std::string address = {}, agent = {};
};
struct SessionInfo {
  std::string id;  ///< public: names the session, opens nothing
  int64_t created_ms = 0, used_ms = 0, expires_ms = 0;
  SessionOrigin origin = {};
};

/// The accounts of one hub. Thread-safe.
class Accounts {
 public:
  explicit Accounts(store::Db& db) : db_(db) {}

  /// conflict when the name is taken (in any letter case); bad_input for a bad name or a password under 8 bytes.
  Result<User> create_user(std::string_view name, std::string_view password, bool is_admin = false);
  /// not_found unless somebody has that name, in any letter case.
  Result<User> user(std::string_view name) const;
  Status set_password(std::string_view name, std::string_view password);
  /// The user, or unauthenticated; takes as long for an unknown name as for a wrong password.
  Result<User> login(std::string_view name, std::string_view password) const;

  /// A new token `hf_` and 34 letters or digits; shown once. bad_input when scopes and role disagree, or the time of
  /// expiry is over.
  Result<std::string> create_token(const User& user, TokenRole role, std::string_view display_name,
                                   const TokenLimits& limits = {});
  Result<std::vector<TokenInfo>> tokens(const User& user) const;
  /// not_found unless it is the user's.
  Status delete_token(const User& user, int64_t token_id);
  /// unauthenticated for an unknown or expired token.
  Result<Caller> caller_by_token(std::string_view token) const;
  /// The user with all roles, as a session would have them: for work done in a user's name.
  Result<Caller> caller_of(const User& user) const;

  /// The secret of a new session, for a cookie.
  Result<std::string> create_session(const User& user, const SessionOrigin& origin = {});
  Result<Caller> caller_by_session(std::string_view secret) const;
  Status end_session(std::string_view secret);
  /// Those that have not ended, newest first.
  Result<std::vector<SessionInfo>> sessions(const User& user) const;
  /// Ends one by its public id; not_found unless it is the user's.
  Status revoke_session(const User& user, std::string_view id);
  /// Ends all but one (`kept` may be empty).
  Status revoke_sessions(const User& user, std::string_view kept = {});

  /// The secret of a link that `use_login_link` takes once within half an hour.
  Result<std::string> create_login_link(const User& user);
  /// The link's user; unauthenticated when unknown, used or expired.
  Result<User> use_login_link(std::string_view secret);

 private:
  Status add_roles(Caller& caller) const;
  store::Db& db_;
};

}  // namespace hearth::hub
