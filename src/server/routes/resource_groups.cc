// Resource groups of an organisation: GET, POST /api/organizations/{org}/resource-groups, their members, and which
// group a repository is in.
// Source: huggingface.co/docs/hub/programmatic-user-access-control (resource groups), security-resource-groups.
#include "hub/resource_groups.h"
#include "base/text.h"
#include "hub/object_id.h"
#include "server/account_json.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

Result<Json> group_json(const Request& rq, const hub::ResourceGroup& group) {
  Json::Array users, repos;
  for (const auto& member : TRY(hub::group_members(rq.hub(), group))) {
    auto item = user_json(rq, member.user);
    item.set("name", member.user.name);
    item.set("role", hub::role_name(member.role));
    users.push_back(std::move(item));
  }
  for (const auto& repo : TRY(hub::group_repos(rq.hub(), group)))
    if (hub::check_access(rq.caller(), repo, hub::Right::metadata).ok())
      repos.push_back(
          Json::Object{{"name", repo.full_name()}, {"type", hub::kind_name(repo.kind)}, {"private", repo.is_private}});
  return Json(Json::Object{{"id", hub::object_id_of(group.id)},
                           {"name", group.name},
                           {"description", group.description},
                           {"users", std::move(users)},
                           {"repos", std::move(repos)}});
}

// The group of the path, when the caller keeps it.
Result<hub::ResourceGroup> kept_group(const Request& rq) {
  const auto id = parse_object_id(rq.arg("group")).value_or(0);
  auto group = TRY(hub::find_group(rq.hub(), TRY(rq.org())->id, id));
  TRY(hub::check_group_admin(rq.caller(), group));
  return group;
}

Result<Response> list(Request& rq) {
  const auto& org = *TRY(rq.org());
  const bool all = rq.user()->is_admin || rq.caller().role_in(org.id) == hub::OrgRole::admin;
  Json::Array out;
  for (const auto& group : TRY(hub::list_groups(rq.hub(), org))) {
    bool mine = all;
    for (const auto& role : rq.caller().groups) mine |= role.group_id == group.id;
    if (mine) out.push_back(TRY(group_json(rq, group)));
  }
  return json_response(Json(std::move(out)));
}

Status add_users(Request& rq, const hub::ResourceGroup& group, const Json& users) {
  for (const auto& item : users.array())
    TRY(hub::set_group_member(rq.hub(), group, TRY(rq.hub().accounts().user(item["user"].as_string())),
                              TRY(hub::parse_org_role(item["role"].as_string("read")))));
  return {};
}

Result<Response> create(Request& rq) {
  const auto body = TRY(rq.json());
  const auto& org = *TRY(rq.org());
  const auto group = TRY(hub::create_group(rq.hub(), org, body["name"].as_string(), body["description"].as_string()));
  rq.audit() = {.target = cat("group ", group.name)};
  TRY(add_users(rq, group, body["users"]));
  for (const auto& item : body["repos"].array()) {
    const auto kind = TRY(hub::parse_kind(item["type"].as_string("model")));
    const auto repo = TRY(rq.hub().repo(TRY(hub::parse_repo_id(kind, item["name"].as_string()))));
    TRY(hub::set_group(rq.hub(), rq.caller(), repo, group.id));
  }
  return json_response(TRY(group_json(rq, group)));
}

Result<Response> update(Request& rq) {
  const auto group = TRY(kept_group(rq));
  const auto body = TRY(rq.json());
  TRY(hub::update_group(rq.hub(), group, body["name"].as_string(group.name),
                        body["description"].as_string(group.description)));
  rq.audit() = {.target = cat("group ", group.name), .data = body};
  return json_response(TRY(group_json(rq, TRY(hub::find_group(rq.hub(), group.org_id, group.id)))));
}

Result<Response> remove(Request& rq) {
  const auto group = TRY(kept_group(rq));
  TRY(hub::delete_group(rq.hub(), group));
  rq.audit() = {.target = cat("group ", group.name)};
  return empty_response();
}

Result<Response> add_members(Request& rq) {
  const auto group = TRY(kept_group(rq));
  const auto body = TRY(rq.json());
  TRY(add_users(rq, group, body["users"]));
  rq.audit() = {.target = cat("group ", group.name), .data = body};
  return json_response(TRY(group_json(rq, group)));
}

Result<Response> set_member_role(Request& rq) {
  const auto group = TRY(kept_group(rq));
  const auto body = TRY(rq.json());
  TRY(hub::set_group_member(rq.hub(), group, TRY(rq.hub().accounts().user(rq.arg("user"))),
                            TRY(hub::parse_org_role(body["role"].as_string()))));
  rq.audit() = {.target = cat("group ", group.name, " user ", rq.arg("user")), .data = body};
  return json_response(TRY(group_json(rq, group)));
}

Result<Response> remove_group_member(Request& rq) {
  const auto group = TRY(kept_group(rq));
  TRY(hub::remove_group_member(rq.hub(), group, TRY(rq.hub().accounts().user(rq.arg("user")))));
  rq.audit() = {.target = cat("group ", group.name, " user ", rq.arg("user"))};
  return empty_response();
}

Json summary(const hub::ResourceGroup& group) {
  return Json::Object{{"id", hub::object_id_of(group.id)}, {"name", group.name}};
}

Result<Response> of_repo(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  if (repo.resource_group_id == 0) return json_response(Json());
  return json_response(summary(TRY(hub::find_group(rq.hub(), repo.owner_id, repo.resource_group_id))));
}

Result<Response> set_of_repo(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  const auto body = TRY(rq.json());
  const auto* wanted = body.find("resourceGroupId");
  if (!wanted || (!wanted->is_null() && !parse_object_id(wanted->as_string())))
    return Status(Code::bad_input, "\"resourceGroupId\" is the id of a resource group, or null");
  const auto id = wanted->is_null() ? 0 : *parse_object_id(wanted->as_string());
  TRY(hub::set_group(rq.hub(), rq.caller(), repo, id));
  rq.audit().data = body;
  if (id == 0) return json_response(Json());
  return json_response(summary(TRY(hub::find_group(rq.hub(), repo.owner_id, id))));
}

constexpr Decision kKeeper{Access::org_member, "resourceGroup.write"};
constexpr Route kRoutes[] = {
    {"GET", "/api/organizations/{org}/resource-groups", Access::org_member, list},
    {"POST", "/api/organizations/{org}/resource-groups", {Access::org_admin, "resourceGroup.write"}, create},
    {"PATCH", "/api/organizations/{org}/resource-groups/{group}", kKeeper, update},
    {"DELETE", "/api/organizations/{org}/resource-groups/{group}", {Access::org_admin, "resourceGroup.write"}, remove},
    {"POST", "/api/organizations/{org}/resource-groups/{group}/users", kKeeper, add_members},
    {"PATCH", "/api/organizations/{org}/resource-groups/{group}/users/{user}", kKeeper, set_member_role},
    {"DELETE", "/api/organizations/{org}/resource-groups/{group}/users/{user}", kKeeper, remove_group_member},
    {"GET", "/api/{kind}/{repo}/resource-group", Access::write, of_repo},
    {"POST", "/api/{kind}/{repo}/resource-group", Access::govern, set_of_repo},
};

}  // namespace
extern constinit const Routes resource_groups_entry{kRoutes};
}  // namespace hearth::server::routes
