// Sign-in through an outside OpenID provider: how it is set up, and which account its users have here.
//
// 1. An account is bound to issuer and subject, never to a name or address that the provider lets its users change.
// 2. A name that somebody has here already is not taken over: an administrator binds it (`link_names`).
// Source: OpenID Connect Core 1.0 section 5.7 (claim stability).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/hub.h"
#include "hub/organisations.h"

namespace hearth::hub {

struct LoginProvider {
  std::string name;   ///< in addresses: letters, digits, dashes
  std::string label;  ///< on the button
  std::string issuer;
  std::string client_id, client_secret;
  std::string scopes = "openid profile email";
  std::vector<std::string> domains;               ///< of verified addresses that may sign in; empty: all
  std::string name_claim = "preferred_username";  ///< becomes the user's name
  std::string groups_claim = "groups";  ///< a list of texts, or of organisations as a hub tells them in `orgs`
  bool auto_create = true;              ///< who comes first gets an account
  bool link_names = false;              ///< who comes first with a taken name gets that account
  struct GroupRole {
    std::string group, org;
    OrgRole role = OrgRole::read;
  };
  std::vector<GroupRole> groups;  ///< who is in the group is in the organisation
};

/// Adds or replaces. bad_input for a name or issuer that is none.
Status set_login_provider(Hub& hub, const LoginProvider& provider);
Result<std::vector<LoginProvider>> list_login_providers(const Hub& hub);
/// not_found when there is none.
Result<LoginProvider> find_login_provider(const Hub& hub, std::string_view name);
Status remove_login_provider(Hub& hub, std::string_view name);

/// The user of a checked id token's claims, made or bound on the first sign-in, with their memberships brought up to
/// date. forbidden, saying why, when they may not sign in.
Result<User> user_of_claims(Hub& hub, const LoginProvider& provider, const Json& claims);

}  // namespace hearth::hub
