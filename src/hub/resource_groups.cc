#include "hub/resource_groups.h"

#include "base/clock.h"
#include "base/text.h"
#include "hub/events.h"
#include "hub/rows.h"

namespace hearth::hub {
namespace {

constexpr size_t kNameMax = 100, kDescriptionMax = 2000;
constexpr std::string_view kGroupColumns = "SELECT id, org_id, name, description FROM resource_groups";

ResourceGroup group_of(const store::Row& row) {
  return {row[0].integer(), row[1].integer(), row[2].text(), row[3].text()};
}

Status check_texts(std::string_view name, std::string_view description) {
  if (trim(name).empty() || name.size() > kNameMax || !is_utf8(name))
    return Status(Code::bad_input, cat("a resource group's name has 1 to ", kNameMax, " bytes of UTF-8"));
  if (description.size() > kDescriptionMax || !is_utf8(description))
    return Status(Code::bad_input, cat("a description has at most ", kDescriptionMax, " bytes of UTF-8"));
  return {};
}

bool administrates(const Caller& caller, const ResourceGroup& group) {
  if (!caller.user) return false;
  if (caller.user->is_admin || caller.role_in(group.org_id) == OrgRole::admin) return true;
  for (const auto& role : caller.groups)
    if (role.group_id == group.id && role.role == OrgRole::admin) return true;
  return false;
}

}  // namespace

Status check_group_admin(const Caller& caller, const ResourceGroup& group) {
  if (administrates(caller, group)) return {};
  return Status(Code::forbidden, cat(caller.name(), " is no administrator of the resource group ", group.name));
}

Result<ResourceGroup> create_group(Hub& hub, const Org& org, std::string_view name, std::string_view description) {
  TRY(check_texts(name, description));
  auto transaction = TRY(hub.db().begin());
  if (TRY(transaction.query_one("SELECT 1 FROM resource_groups WHERE org_id = $1 AND name = $2", {org.id, name})))
    return Status(Code::conflict, cat(org.name, " has a resource group '", name, "' already"));
  const auto row = TRY(transaction.query_one(
      "INSERT INTO resource_groups (org_id, name, description, created_ms) VALUES ($1, $2, $3, $4) RETURNING id",
      {org.id, name, description, now_ms()}));
  TRY(transaction.commit());
  return ResourceGroup{(*row)[0].integer(), org.id, std::string(name), std::string(description)};
}

Result<std::vector<ResourceGroup>> list_groups(const Hub& hub, const Org& org) {
  std::vector<ResourceGroup> out;
  for (const auto& row : TRY(hub.db().query(cat(kGroupColumns, " WHERE org_id = $1 ORDER BY id"), {org.id})))
    out.push_back(group_of(row));
  return out;
}

Result<ResourceGroup> find_group(const Hub& hub, int64_t org_id, int64_t group_id) {
  const auto row = TRY(hub.db().query_one(cat(kGroupColumns, " WHERE id = $1 AND org_id = $2"), {group_id, org_id}));
  if (!row) return Status(Code::not_found, "the organisation has no such resource group");
  return group_of(*row);
}

Status update_group(Hub& hub, const ResourceGroup& group, std::string_view name, std::string_view description) {
  TRY(check_texts(name, description));
  auto transaction = TRY(hub.db().begin());
  if (TRY(transaction.query_one("SELECT 1 FROM resource_groups WHERE org_id = $1 AND name = $2 AND id <> $3",
                                {group.org_id, name, group.id})))
    return Status(Code::conflict, cat("there is a resource group '", name, "' already"));
  TRY(transaction.execute("UPDATE resource_groups SET name = $2, description = $3 WHERE id = $1",
                          {group.id, name, description}));
  return transaction.commit();
}

Status delete_group(Hub& hub, const ResourceGroup& group) {
  TRY(hub.db().execute("DELETE FROM resource_groups WHERE id = $1", {group.id}));
  return {};
}

Result<std::vector<Member>> group_members(const Hub& hub, const ResourceGroup& group) {
  std::vector<Member> out;
  for (const auto& row : TRY(hub.db().query(
           "SELECT owners.id, owners.name, owners.fullname, resource_group_members.role, "
           "resource_group_members.created_ms FROM resource_group_members JOIN owners ON owners.id = "
           "resource_group_members.user_id WHERE resource_group_members.group_id = $1 ORDER BY owners.id",
           {group.id})))
    out.push_back({.user = {.id = row[0].integer(), .name = row[1].text(), .fullname = row[2].text()},
                   .role = TRY(parse_org_role(row[3].text())),
                   .since_ms = row[4].integer()});
  return out;
}

Status set_group_member(Hub& hub, const ResourceGroup& group, const User& user, OrgRole role) {
  if (role == OrgRole::no_access)
    return Status(Code::bad_input, "a member of a resource group has the role read, contributor, write or admin");
  auto transaction = TRY(hub.db().begin());
  if (!TRY(transaction.query_one("SELECT 1 FROM memberships WHERE org_id = $1 AND user_id = $2",
                                 {group.org_id, user.id})))
    return Status(Code::bad_input, cat(user.name, " is no member of the organisation: that comes first"));
  TRY(
      transaction.execute("INSERT INTO resource_group_members (group_id, user_id, role, created_ms) VALUES ($1, $2, "
                          "$3, $4) ON CONFLICT (group_id, user_id) DO UPDATE SET role = excluded.role",
                          {group.id, user.id, role_name(role), now_ms()}));
  return transaction.commit();
}

Status remove_group_member(Hub& hub, const ResourceGroup& group, const User& user) {
  if (TRY(hub.db().execute("DELETE FROM resource_group_members WHERE group_id = $1 AND user_id = $2",
                           {group.id, user.id})) == 0)
    return Status(Code::not_found, cat(user.name, " is not in the resource group ", group.name));
  return {};
}

Result<std::vector<Repo>> group_repos(const Hub& hub, const ResourceGroup& group) {
  std::vector<Repo> out;
  for (const auto& row : TRY(hub.db().query(cat("SELECT ", kRepoColumns, " FROM ", kReposWithOwners,
                                                " WHERE repos.resource_group_id = $1 ORDER BY repos.id"),
                                            {group.id})))
    out.push_back(repo_of(row));
  return out;
}

Status set_group(Hub& hub, const Caller& caller, const Repo& repo, int64_t group_id) {
  TRY(check_access(caller, repo, Right::govern));
  const bool of_org = caller.user->is_admin || caller.role_in(repo.owner_id) == OrgRole::admin;
  if (repo.resource_group_id != 0)
    TRY(check_group_admin(caller, TRY(find_group(hub, repo.owner_id, repo.resource_group_id))));
  if (group_id != 0) TRY(check_group_admin(caller, TRY(find_group(hub, repo.owner_id, group_id))));
  if (!of_org && (group_id == 0 || repo.resource_group_id == 0))
    return Status(Code::forbidden,
                  cat("only administrators of ", repo.owner, " move repositories between a resource group and none"));
  auto transaction = TRY(hub.db().begin());
  TRY(transaction.execute("UPDATE repos SET resource_group_id = $2 WHERE id = $1",
                          {repo.id, group_id == 0 ? store::Value() : store::Value(group_id)}));
  TRY(record_event(transaction, {.kind = "repo.config",
                                 .repo_id = repo.id,
                                 .actor = std::string(caller.name()),
                                 .data = Json::Object{{"resourceGroup", group_id}}}));
  return transaction.commit();
}

}  // namespace hearth::hub
