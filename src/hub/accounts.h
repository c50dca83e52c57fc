// Accounts: users with Argon2id passwords, access tokens, browser sessions, one-time login links.
//
// 1. Secrets are stored as SHA-256 (tokens, sessions, links: high entropy) or Argon2id (passwords), never themselves.
// 2. A login link works once and for half an hour.
// Source: RFC 9106 (Argon2id, second recommended option); huggingface_hub 2.4.0 for the token's form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
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

enum class TokenRole { read, write };
std::string_view role_name(TokenRole role);
Result<TokenRole> parse_role(std::string_view text);

/// Who asks, and with what right: an anonymous visitor, a session of the browser, or a token.
struct Caller {
  std::optional<User> user;
  TokenRole role = TokenRole::write;  ///< a session may do what its user may
  std::string token_name;             ///< empty unless a token was shown
  int64_t token_created_ms = 0;

  bool anonymous() const { return !user; }
  std::string_view name() const { return user ? std::string_view(user->name) : std::string_view(); }
};

struct TokenInfo {
  int64_t id = 0;
  std::string name;
  TokenRole role = TokenRole::read;
  int64_t created_ms = 0;
  std::optional<int64_t> used_ms;
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

  /// A new token `hf_` and 34 letters or digits; shown once.
  Result<std::string> create_token(const User& user, TokenRole role, std::string_view display_name);
  Result<std::vector<TokenInfo>> tokens(const User& user) const;
  /// not_found unless it is the user's.
  Status delete_token(const User& user, int64_t token_id);
  /// unauthenticated for an unknown token.
  Result<Caller> caller_by_token(std::string_view token) const;

  /// The secret of a new session, for a cookie.
  Result<std::string> create_session(const User& user);
  Result<Caller> caller_by_session(std::string_view secret) const;
  Status end_session(std::string_view secret);

  /// The secret of a link that `use_login_link` takes once within half an hour.
  Result<std::string> create_login_link(const User& user);
  /// The link's user; unauthenticated when unknown, used or expired.
  Result<User> use_login_link(std::string_view secret);

 private:
  store::Db& db_;
};

}  // namespace hearth::hub
