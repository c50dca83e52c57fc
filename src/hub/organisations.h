// Organisations: owners of repositories that several users share, each with a role.
//
// 1. An organisation has an administrator at every time: the last one can neither leave nor be made less.
// 2. Who leaves loses the roles in the organisation's resource groups too.
// 3. Where it asks for a second factor, the places of members without one are asleep: they count again as soon as they
//    have one (hub/totp.h), and what the organisation shows to everybody they see as everybody does.
// Source: huggingface.co/docs/hub/organizations-security (the roles); huggingface_hub 2.4.0 hf_api.py (Organization).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct Org {
  int64_t id = 0;  ///< of the owner row
  std::string name;
  std::string fullname;
  std::string details;           ///< what it says of itself
  bool default_private = false;  ///< new repositories whose maker says nothing
  int64_t created_ms = 0;
  bool require_totp = false;  ///< members without a second factor have no rights here
};

struct NewOrg {
  std::string name;
  std::string fullname = {};
  std::string details = {};
  bool default_private = false;
};
struct OrgChange {
  std::optional<std::string> fullname = {}, details = {};
  std::optional<bool> default_private = {};
  std::optional<bool> require_totp = {};
};

/// `owner` becomes its first administrator. conflict when a user or organisation has the name, in any letter case.
Result<Org> create_org(Hub& hub, const NewOrg& wanted, const User& owner);
/// not_found unless there is one of that name, in any letter case.
Result<Org> find_org(const Hub& hub, std::string_view name);
Result<std::vector<Org>> list_orgs(const Hub& hub);
Status update_org(Hub& hub, const Org& org, const OrgChange& change);

struct Member {
  User user;
  OrgRole role = OrgRole::read;
  int64_t since_ms = 0;
};
/// In the order of the accounts; `after` is the user id of the last one of the page before (0: from the first).
Result<std::vector<Member>> list_members(const Hub& hub, const Org& org, int64_t after = 0, int64_t limit = 1000);
Result<int64_t> count_members(const Hub& hub, const Org& org);
/// Adds the user, or changes the role. conflict when the last administrator would be one no more.
Status set_member(Hub& hub, const Org& org, const User& user, OrgRole role);
/// not_found unless a member; conflict for the last administrator.
Status remove_member(Hub& hub, const Org& org, const User& user);

struct OrgOfUser {
  Org org;
  OrgRole role = OrgRole::read;
};
/// The organisations that a user is in, by name.
Result<std::vector<OrgOfUser>> orgs_of(const Hub& hub, const User& user);

/// Is a new repository under this owner private when its maker does not say? False for users.
Result<bool> default_private(const Hub& hub, std::string_view owner);

}  // namespace hearth::hub
