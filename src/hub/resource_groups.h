// Resource groups: sets of an organisation's repositories whose members have roles of their own. A repository is in one
// group or none; in a group, the group's roles decide in place of the organisation's (hub/repo.h).
// Source: huggingface.co/docs/hub/security-resource-groups.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/organisations.h"

namespace hearth::hub {

struct ResourceGroup {
  int64_t id = 0;
  int64_t org_id = 0;
  std::string name;
  std::string description;
};

/// Administrators of the organisation make and remove groups; a group's own administrators keep its members. forbidden
/// otherwise.
Status check_group_admin(const Caller& caller, const ResourceGroup& group);

/// conflict when the organisation has a group of that name.
Result<ResourceGroup> create_group(Hub& hub, const Org& org, std::string_view name, std::string_view description);
Result<std::vector<ResourceGroup>> list_groups(const Hub& hub, const Org& org);
/// not_found unless the organisation has it.
Result<ResourceGroup> find_group(const Hub& hub, int64_t org_id, int64_t group_id);
Status update_group(Hub& hub, const ResourceGroup& group, std::string_view name, std::string_view description);
/// Its repositories are in no group afterwards.
Status delete_group(Hub& hub, const ResourceGroup& group);

Result<std::vector<Member>> group_members(const Hub& hub, const ResourceGroup& group);
/// Adds a member of the organisation, or changes the role; bad_input for strangers and for the role no_access.
Status set_group_member(Hub& hub, const ResourceGroup& group, const User& user, OrgRole role);
Status remove_group_member(Hub& hub, const ResourceGroup& group, const User& user);

/// The group's repositories, oldest first.
Result<std::vector<Repo>> group_repos(const Hub& hub, const ResourceGroup& group);
/// Puts a repository of the organisation into a group, or (0) into none. The caller administrates the organisation or
/// both groups.
Status set_group(Hub& hub, const Caller& caller, const Repo& repo, int64_t group_id);

}  // namespace hearth::hub
