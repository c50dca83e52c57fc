// The hub as an OAuth 2 and OpenID Connect provider: applications, consent, codes, devices, tokens.
//
// 1. Access tokens (`hf_oauth_...`) are rows of `tokens` with what their scopes allow: check_access knows no third
// kind.
// 2. A code works once; a second use ends the tokens that the first one got (RFC 6749 section 4.1.2).
// 3. A refresh token works once and is followed by another; a second use ends its whole chain (RFC 9700 section 4.14).
// 4. Who revokes a grant ends everything that came from it.
// 5. Scopes reach what is the user's own, and the organisations that the user chose when asked, never more than the
// user
//    may there.
// Source: RFC 6749, RFC 7636 (PKCE), RFC 8628 (devices), RFC 7591 (registration), OpenID Connect Core 1.0; hub-docs
// oauth.md and spaces-oauth.md for the scopes; huggingface_hub 2.4.0 utils/_oauth_device.py.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/hub.h"
#include "hub/jwt.h"

namespace hearth::hub {

/// Names and sentences of the scopes, in the order of the consent page.
struct OAuthScope {
  std::string_view name, says;
};
std::span<const OAuthScope> oauth_scopes();

struct OAuthApp {
  int64_t id = 0;
  std::string client_id;
  std::string name;
  bool is_public = true;     ///< has no secret: proves itself by PKCE alone
  bool first_party = false;  ///< its tokens may do all that a writing token may
  std::optional<int64_t> space_id;
  std::vector<std::string> redirect_uris;
  std::string scopes;             ///< it may ask for, space-separated
  std::vector<std::string> orgs;  ///< when not empty: for their members alone
  int64_t token_minutes = 480;
};

struct NewOAuthApp {
  std::string name;
  std::vector<std::string> redirect_uris;
  std::string scopes = "openid profile";
  int64_t token_minutes = 480;
  bool is_public = false;
  bool dynamic = false;  ///< registered by a client: goes after 30 days without a grant
};
struct MadeOAuthApp {
  OAuthApp app;
  std::string secret;  ///< shown once; empty for a public app
};
/// bad_input for an empty name, an unknown scope, an address that is no redirect target.
Result<MadeOAuthApp> create_oauth_app(Hub& hub, const NewOAuthApp& wanted);
Result<std::vector<OAuthApp>> list_oauth_apps(const Hub& hub);
/// not_found for an unknown client id.
Result<OAuthApp> find_oauth_app(const Hub& hub, std::string_view client_id);
Status delete_oauth_app(Hub& hub, const OAuthApp& app);
/// unauthenticated unless the secret is the app's, or it has none and none is shown.
Status check_oauth_secret(const Hub& hub, const OAuthApp& app, std::string_view secret);

/// An absolute address without fragment that may be a redirect target: https, http, or a native app's own scheme with a
/// dot (RFC 8252).
bool is_redirect_uri(std::string_view uri);
/// Is this one of the app's? Exactly, except for the port on a loopback address (RFC 8252 section 7.3) and, for a
/// Space's app, any path of its host under `hub_host`.
bool may_redirect(const OAuthApp& app, std::string_view uri, std::string_view hub_host, std::string_view space_label);

/// What a Space with `hf_oauth: true` in its card gets as environment. Makes or updates its app; nothing for others.
struct SpaceOAuth {
  OAuthApp app;
  std::string secret;
};
Result<std::optional<SpaceOAuth>> space_oauth(Hub& hub, const SigningKey& key, const Repo& space);

/// Those of `asked` that the app may have; all of the app's when `asked` is empty.
std::string allowed_scopes(const OAuthApp& app, std::string_view asked);
bool has_scope(std::string_view scopes, std::string_view name);
/// Do some of the scopes open organisations, too, when the user lets them?
bool concerns_orgs(std::string_view scopes);
/// What a user lets an application do; nothing when they were not asked or have refused.
struct OAuthGiven {
  std::string scopes;
  std::vector<int64_t> orgs;  ///< organisations that the scopes open besides the user's own things
  /// Is all of this among it?
  bool covers(std::string_view asked_scopes, const std::vector<int64_t>& asked_orgs) const;
};
Result<OAuthGiven> given_to_app(const Hub& hub, const OAuthApp& app, const User& user);

struct CodeRequest {
  std::string redirect_uri, scopes;
  std::string challenge;  ///< S256; empty: none
  std::string nonce;
  std::optional<std::vector<int64_t>> orgs = {};  ///< that the user chose; nothing: those of before
};
/// The user agrees: a code for the client. forbidden when the app is for members of other organisations, or an
/// organisation is not one of the user's.
Result<std::string> approve_code(Hub& hub, const OAuthApp& app, const Caller& caller, const CodeRequest& request);

struct OAuthTokens {
  std::string access_token, refresh_token, scopes, nonce;
  int64_t expires_s = 0;
  OAuthApp app;
  User user;
  std::vector<int64_t> orgs;
  int64_t signed_in_ms = 0;
};
/// What a failure of the token endpoint is called (RFC 6749 section 5.2, RFC 8628 section 3.5): the message of a
/// bad_input Status is "name: description".
struct CodeUse {
  std::string code, redirect_uri, verifier;
  std::string client_id, secret;  ///< as the client shows them; the id may be empty with a verifier
};
Result<OAuthTokens> use_code(Hub& hub, const CodeUse& use);
Result<OAuthTokens> use_refresh_token(Hub& hub, std::string_view token, std::string_view client_id,
                                      std::string_view secret);
/// RFC 7009: an access or refresh token ends with all of its chain. Unknown ones are no error.
Status revoke_oauth_token(Hub& hub, std::string_view token);

struct DeviceRequest {
  std::string device_code, user_code;  ///< "BCDF-GHJK"
  int64_t expires_s = 0, interval_s = 0;
};
Result<DeviceRequest> start_device(Hub& hub, const OAuthApp& app, std::string_view scopes);
struct DeviceAsk {
  OAuthApp app;
  std::string scopes;
};
/// not_found for an unknown, used or expired code. Letter case and the dash do not matter.
Result<DeviceAsk> find_device(const Hub& hub, std::string_view user_code);
Status decide_device(Hub& hub, std::string_view user_code, const Caller& caller, bool allow);
Result<OAuthTokens> poll_device(Hub& hub, std::string_view device_code, std::string_view client_id,
                                std::string_view secret);

struct OAuthGrant {
  int64_t id = 0;
  std::string client_id, app, scopes;
  std::vector<std::string> orgs;  ///< names
  int64_t created_ms = 0, used_ms = 0;
};
/// What a user lets applications do.
Result<std::vector<OAuthGrant>> grants_to_apps(const Hub& hub, const User& user);
/// not_found unless it is the user's.
Status revoke_grant(Hub& hub, const User& user, int64_t grant_id);

/// The scopes of an access token of an application, and the organisations; empty for other tokens.
Result<OAuthGiven> given_to_token(const Hub& hub, int64_t token_id);

}  // namespace hearth::hub
