#include "hub/repo.h"

#include <algorithm>

#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr std::string_view kRead = "repo.content.read", kWrite = "repo.write";

// What a caller may do with a repository, whatever their token says.
enum class Standing { stranger, reader, holder, governor };

// The same words for a repository that is absent and one that the caller may not know of.
Status unknown() {
  return Status(Code::repo_not_found, "Repository not found");
}

OrgRole group_role(const Caller& caller, int64_t group_id) {
  for (const auto& group : caller.groups)
    if (group.group_id == group_id) return group.role;
  return OrgRole::no_access;
}

Standing standing_of(const Caller& caller, const Repo& repo) {
  if (!caller.user) return Standing::stranger;
  if (caller.user->id == repo.owner_id || caller.user->is_admin) return Standing::governor;
  auto role = caller.role_in(repo.owner_id);
  if (repo.resource_group_id != 0 && role != OrgRole::admin) role = group_role(caller, repo.resource_group_id);
  if (role == OrgRole::admin) return Standing::governor;
  if (role == OrgRole::write) return Standing::holder;
  if (role == OrgRole::contributor && repo.creator_id == caller.user->id) return Standing::holder;
  return role >= OrgRole::read ? Standing::reader : Standing::stranger;
}

// Members of an organisation see its private repositories; a fine-grained token only those it names.
bool may_read_private(const Caller& caller, const Repo& repo, Standing standing) {
  return standing != Standing::stranger && check_token(caller, kRead, subject_of(repo)).ok();
}

// Says what the reader of a gated repository can do next. Source: the words of huggingface_hub 2.4.0 errors.py.
Status gated(const Caller& caller, const Repo& repo, std::optional<AccessStatus> request) {
  const auto what = cat(kind_name(repo.kind), " ", repo.full_name());
  if (caller.anonymous())
    return Status(Code::gated, cat("Access to ", what,
                                   " is restricted. You must have access to it and be authenticated to access it. "
                                   "Please log in."));
  if (request == AccessStatus::pending)
    return Status(Code::gated, cat("Your request to access ", what, " is awaiting a review from the repo authors."));
  if (request == AccessStatus::rejected)
    return Status(Code::gated, cat("Your request to access ", what, " has been rejected by the repo's authors."));
  return Status(Code::gated, cat("Access to ", what,
                                 " is restricted and you are not in the authorized list. Visit its page to ask for "
                                 "access."));
}

std::optional<AccessStatus> request_of(const Caller& caller, const Repo& repo) {
  const auto found = std::lower_bound(caller.grants.begin(), caller.grants.end(), repo.id,
                                      [](const AccessGrant& grant, int64_t id) { return grant.repo_id < id; });
  if (found == caller.grants.end() || found->repo_id != repo.id) return std::nullopt;
  return found->status;
}

}  // namespace

Subject subject_of(const Repo& repo) {
  return {.owner_id = repo.owner_id, .type = kind_name(repo.kind), .id = repo.id, .group_id = repo.resource_group_id};
}

Status check_access(const Caller& caller, const Repo& repo, Right right, std::string_view permission) {
  const auto standing = standing_of(caller, repo);
  const bool inside = may_read_private(caller, repo, standing);
  // Members know that their organisation has it: they are told why they do not see it.
  const auto refuses_visitors = repo.is_private || (right == Right::content && !repo.gated.empty());
  if (standing == Standing::stranger && (refuses_visitors || right >= Right::write))
    TRY(caller.check_factor(repo.owner_id));
  if (repo.is_private && !inside) return unknown();
  // The words that huggingface_hub 2.4.0 utils/_http.py knows a DisabledRepoError by.
  if (repo.is_disabled && !(caller.user && caller.user->is_admin))
    return Status(Code::forbidden, "Access to this resource is disabled.");
  if (right == Right::content && !repo.gated.empty() && !inside) {
    const auto request = request_of(caller, repo);
    if (standing == Standing::stranger && request != AccessStatus::accepted) return gated(caller, repo, request);
    const bool by_token = !caller.scopes || caller.scopes->can_read_gated_repos;
    if (!by_token && !check_token(caller, kRead, subject_of(repo)).ok())
      return Status(Code::gated, cat("this token may not read gated repositories: enable \"gated repositories\" or ",
                                     kRead, " for it to read ", repo.full_name()));
  }
  if (right >= Right::write) {
    if (caller.anonymous())
      return Status(Code::unauthenticated,
                    cat("log in, or send a token with the write role, to change ", repo.full_name()));
    if (standing < Standing::holder)
      return Status(Code::forbidden,
                    cat(caller.name(), " may not change ", repo.full_name(), ", which belongs to ", repo.owner));
    if (right == Right::govern && standing != Standing::governor)
      return Status(Code::forbidden, cat(caller.name(), " may write to ", repo.full_name(),
                                         ", but this takes an administrator of ", repo.owner));
    // A narrower permission is a fine-grained token's; reading tokens change nothing and see no access requests.
    if (permission.empty() || !caller.scopes) permission = kWrite;
  }
  if (permission.empty()) return {};
  // What is the caller's own (a like) is asked for their account, not for the repository.
  const bool own = caller.user && permission.starts_with("user.");
  return check_token(caller, permission, own ? Subject{.owner_id = caller.user->id} : subject_of(repo));
}

Status check_create(const Caller& caller, std::string_view owner, int64_t resource_group_id) {
  if (caller.anonymous())
    return Status(Code::unauthenticated, "log in, or send a token with the write role, to create a repository");
  const auto* membership = caller.membership(owner);
  const bool own = equals_ignore_case(caller.name(), owner);
  if (membership && !caller.user->is_admin) TRY(caller.check_factor(membership->org_id));
  auto role = membership ? membership->role : OrgRole::no_access;
  if (resource_group_id != 0 && role != OrgRole::admin) role = group_role(caller, resource_group_id);
  if (!own && !caller.user->is_admin && role < OrgRole::contributor)
    return Status(Code::forbidden, cat("You don't have the rights to create a ",
                                       resource_group_id != 0 ? "repository in this resource group" : "repository",
                                       " under the namespace \"", owner, "\""));
  const auto owner_id = own ? caller.user->id : membership ? membership->org_id : 0;
  return check_token(caller, kWrite, {.owner_id = owner_id, .group_id = resource_group_id});
}

std::string visible_condition(const Caller& caller) {
  if (!caller.user) return "repos.private = 0";
  std::string owners, groups, all_groups;
  const auto add = [](std::string& list, int64_t id) { list += cat(list.empty() ? "" : ",", id); };
  add(owners, caller.user->id);
  for (const auto& membership : caller.memberships) {
    if (membership.lacks_factor) continue;
    if (membership.role >= OrgRole::read) add(owners, membership.org_id);
    if (membership.role == OrgRole::admin) add(all_groups, membership.org_id);
  }
  for (const auto& group : caller.groups)
    if (group.role >= OrgRole::read) add(groups, group.group_id);
  auto place = cat("(repos.resource_group_id IS NULL AND repos.owner_id IN (", owners, "))");
  if (!all_groups.empty()) place += cat(" OR repos.owner_id IN (", all_groups, ")");
  if (!groups.empty()) place += cat(" OR repos.resource_group_id IN (", groups, ")");
  if (caller.user->is_admin) place = "1 = 1";
  if (!caller.scopes) return cat("(repos.private = 0 OR ", place, ")");

  std::string token = "1 = 0";
  if (allows(*caller.scopes, kRead, {})) token = "1 = 1";
  for (const auto& scope : caller.scopes->scoped) {
    const bool of_owner = scope.type == "user" || scope.type == "org", of_group = scope.type == "resource-group";
    const Subject subject = of_owner   ? Subject{.owner_id = scope.id}
                            : of_group ? Subject{.group_id = scope.id}
                                       : Subject{.type = scope.type, .id = scope.id};
    const bool of_repo = parse_kind(scope.type).ok();
    if (!of_owner && !of_group && !of_repo) continue;
    if (!allows(*caller.scopes, kRead, subject)) continue;
    token += cat(" OR repos.", of_owner ? "owner_id" : of_group ? "resource_group_id" : "id", " = ", scope.id);
    if (of_repo) token += cat(" AND repos.kind = '", scope.type, "'");
  }
  return cat("(repos.private = 0 OR ((", place, ") AND (", token, ")))");
}

}  // namespace hearth::hub
