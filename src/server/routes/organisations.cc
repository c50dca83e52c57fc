// Users and organisations: GET /api/users/{user}/overview, /api/organizations/{org}/overview, /members, what their
// repositories take, and the pictures; administrators change members and settings.
// Source: huggingface_hub 2.4.0 HfApi.get_user_overview, get_organization_overview, list_organization_members,
// list_user_repos; huggingface.co/docs/hub/programmatic-user-access-control (members' roles).
#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/object_id.h"
#include "hub/owners.h"
#include "hub/resource_groups.h"
#include "hub/totp.h"
#include "server/account_json.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kPage = 500;

Result<Response> user_overview(Request& rq) {
  const auto user = TRY(rq.hub().accounts().user(rq.arg("user")));
  const auto owner = TRY(hub::find_owner(rq.hub(), user.name, hub::OwnerKind::user));
  const auto counts = TRY(hub::social_counts(rq.hub(), owner));
  auto out = user_json(rq, user);
  Json::Array orgs;
  for (const auto& membership : TRY(hub::orgs_of(rq.hub(), user))) orgs.push_back(org_json(rq, membership.org));
  out.set("isFollowing", TRY(hub::is_following(rq.hub(), owner, rq.caller())));
  out.set("numModels", counts.models);
  out.set("numDatasets", counts.datasets);
  out.set("numSpaces", counts.spaces);
  out.set("numDiscussions", counts.discussions);
  out.set("numPapers", counts.papers);
  out.set("numUpvotes", counts.upvotes);
  out.set("numLikes", counts.likes);
  out.set("numFollowing", counts.following);
  out.set("numFollowers", counts.followers);
  out.set("createdAt", iso_time(user.created_ms));
  out.set("orgs", std::move(orgs));
  return json_response(out);
}

Result<Response> org_overview(Request& rq) {
  const auto org = TRY(hub::find_org(rq.hub(), rq.arg("name")));
  const auto owner = TRY(hub::find_owner(rq.hub(), org.name, hub::OwnerKind::org));
  const auto counts = TRY(hub::social_counts(rq.hub(), owner));
  auto out = org_json(rq, org);
  out.set("details", org.details);
  out.set("isVerified", false);
  out.set("isFollowing", TRY(hub::is_following(rq.hub(), owner, rq.caller())));
  out.set("numUsers", TRY(hub::count_members(rq.hub(), org)));
  out.set("numModels", counts.models);
  out.set("numDatasets", counts.datasets);
  out.set("numSpaces", counts.spaces);
  out.set("numFollowers", counts.followers);
  out.set("numPapers", counts.papers);
  out.set("createdAt", iso_time(org.created_ms));
  return json_response(out);
}

// Who is in an organisation is public, as on the Hub; the roles are for its members.
Result<Response> members(Request& rq) {
  const auto org = TRY(hub::find_org(rq.hub(), rq.arg("name")));
  const auto limit = std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPage)), 1);
  const auto after = parse_int(rq.query("cursor", "0"));
  if (!after) return Status(Code::bad_input, "the cursor is not one of this listing");
  const auto page = TRY(hub::list_members(rq.hub(), org, *after, limit + 1));
  const bool inside = rq.user() && (rq.user()->is_admin || rq.caller().membership(org.name));
  Json::Array out;
  for (size_t i = 0; i < page.size() && i < static_cast<size_t>(limit); ++i) {
    auto item = user_json(rq, page[i].user);
    if (inside) item.set("role", hub::role_name(page[i].role));
    out.push_back(std::move(item));
  }
  const bool more = page.size() > static_cast<size_t>(limit);
  return json_page(Json(std::move(out)).dump(),
                   next_address(rq, more ? cat(page[static_cast<size_t>(limit) - 1].user.id) : std::string()));
}

Json::Object noted(const hub::User& user, hub::OrgRole role) {
  return {{"user", user.name}, {"role", hub::role_name(role)}};
}

Result<Response> add_member(Request& rq) {
  const auto body = TRY(rq.json());
  const auto user = TRY(rq.hub().accounts().user(body["user"].as_string()));
  const auto role = TRY(hub::parse_org_role(body["role"].as_string("read")));
  const auto& org = *TRY(rq.org());
  if (TRY(rq.hub().accounts().caller_of(user)).membership(org.name))
    return Status(Code::conflict, cat(user.name, " is a member of ", org.name, " already"));
  TRY(hub::set_member(rq.hub(), org, user, role));
  rq.audit() = {.target = cat("user ", user.name), .data = noted(user, role)};
  return json_response(Json(noted(user, role)));
}

// The body may also set roles in resource groups: {"role", "resourceGroups": [{"id", "role"}]}.
Result<Response> set_role(Request& rq) {
  const auto body = TRY(rq.json());
  const auto& org = *TRY(rq.org());
  const auto user = TRY(rq.hub().accounts().user(rq.arg("user")));
  if (!TRY(rq.hub().accounts().caller_of(user)).membership(org.name))
    return Status(Code::not_found, cat(user.name, " is no member of ", org.name));
  const auto role = TRY(hub::parse_org_role(body["role"].as_string()));
  TRY(hub::set_member(rq.hub(), org, user, role));
  for (const auto& item : body["resourceGroups"].array()) {
    const auto id = parse_object_id(item["id"].as_string()).value_or(0);
    const auto group = TRY(hub::find_group(rq.hub(), org.id, id));
    TRY(hub::set_group_member(rq.hub(), group, user, TRY(hub::parse_org_role(item["role"].as_string()))));
  }
  rq.audit() = {.target = cat("user ", user.name), .data = noted(user, role)};
  return json_response(Json(noted(user, role)));
}

Result<Response> remove_member(Request& rq) {
  const auto user = TRY(rq.hub().accounts().user(rq.arg("user")));
  TRY(hub::remove_member(rq.hub(), *TRY(rq.org()), user));
  rq.audit() = {.target = cat("user ", user.name)};
  return empty_response();
}

Result<Response> settings(Request& rq) {
  const auto body = TRY(rq.json());
  hub::OrgChange change;
  if (body["fullname"].is_string()) change.fullname = std::string(body["fullname"].as_string());
  if (body["details"].is_string()) change.details = std::string(body["details"].as_string());
  if (const auto& visibility = body["defaultVisibility"]; !visibility.is_null()) {
    if (visibility.as_string() != "public" && visibility.as_string() != "private")
      return Status(Code::bad_input, "\"defaultVisibility\" is \"public\" or \"private\"");
    change.default_private = visibility.as_string() == "private";
  }
  const auto& org = *TRY(rq.org());
  if (const auto& factor = body["requireSecondFactor"]; !factor.is_null()) {
    change.require_totp = factor.as_bool();
    if (*change.require_totp && !rq.user()->is_admin && !TRY(hub::has_totp(rq.hub(), *rq.user())))
      return Status(Code::conflict, cat("you would lock yourself out of ", org.name,
                                        ": enable a second factor for your own account first"));
  }
  TRY(hub::update_org(rq.hub(), org, change));
  rq.audit() = {.target = cat("org ", org.name), .data = body};
  const auto changed = TRY(hub::find_org(rq.hub(), org.name));
  auto out = org_json(rq, changed);
  out.set("requireSecondFactor", changed.require_totp);
  return json_response(out);
}

Result<Response> owned(Request& rq, int64_t owner_id) {
  const auto usage = TRY(hub::usage_of(rq.hub(), owner_id));
  const auto quota = TRY(hub::quota_of(rq.hub(), owner_id));
  const auto whole = static_cast<double>(std::max<int64_t>(quota.storage_bytes.value_or(usage.storage_bytes), 1));
  const auto limit = std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPage)), 1);
  const auto begin = TRY(rq.query_int("cursor", 0, INT64_MAX / 2));
  Json::Array out;
  int64_t seen = 0;
  for (const auto& [repo, storage_bytes] : TRY(hub::owned_repos(rq.hub(), owner_id))) {
    if (!hub::check_access(rq.caller(), repo, hub::Right::metadata).ok()) continue;
    if (seen++ < begin || seen > begin + limit) continue;
    out.push_back(Json::Object{{"id", repo.full_name()},
                               {"type", hub::kind_name(repo.kind)},
                               {"updatedAt", iso_time(repo.modified_ms)},
                               {"visibility", repo.visibility()},
                               {"storage", storage_bytes},
                               {"storagePercent", 100 * static_cast<double>(storage_bytes) / whole}});
  }
  const auto next = seen > begin + limit ? cat(begin + limit) : std::string();
  return json_page(Json(std::move(out)).dump(), next_address(rq, next));
}

Result<Response> own_repos(Request& rq) {
  return owned(rq, rq.user()->id);
}
Result<Response> org_repos(Request& rq) {
  return owned(rq, TRY(rq.org())->id);
}

Result<Response> user_avatar(Request& rq) {
  return json_response(
      Json(Json::Object{{"avatarUrl", avatar_url(rq, TRY(rq.hub().accounts().user(rq.arg("user"))).name)}}));
}
Result<Response> org_avatar(Request& rq) {
  return json_response(
      Json(Json::Object{{"avatarUrl", avatar_url(rq, TRY(hub::find_org(rq.hub(), rq.arg("name"))).name)}}));
}

// A picture for whoever has none: the name's first letters on a colour of its own.
Result<Response> avatar(Request& rq) {
  auto name = std::string_view(rq.arg("file"));
  if (!name.ends_with(".svg")) return Status(Code::not_found, "pictures end in .svg");
  name.remove_suffix(4);
  TRY(hub::check_name(name));
  uint32_t hue = 2166136261;  // FNV-1a
  for (const char c : to_lower_ascii(name)) hue = (hue ^ static_cast<unsigned char>(c)) * 16777619;
  auto out =
      text_response(cat("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\"><rect width=\"64\" "
                        "height=\"64\" fill=\"hsl(",
                        hue % 360,
                        ",45%,42%)\"/><text x=\"32\" y=\"33\" dominant-baseline=\"central\" text-anchor=\"middle\" "
                        "font-family=\"system-ui,sans-serif\" font-size=\"34\" font-weight=\"600\" fill=\"#fff\">",
                        html_escape(name.substr(0, 1)), "</text></svg>\n"),
                    "image/svg+xml");
  out.headers.set("Cache-Control", "public, max-age=86400");
  out.headers.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  return out;
}

constexpr Route kRoutes[] = {
    {"GET", "/api/users/{user}/overview", Access::open, user_overview},
    {"GET", "/api/organizations/{name}/overview", Access::open, org_overview},
    {"GET", "/api/organizations/{name}/members", Access::open, members},
    {"POST", "/api/organizations/{org}/members", {Access::org_admin, "org.members.write"}, add_member},
    {"PUT", "/api/organizations/{org}/members/{user}/role", {Access::org_admin, "org.members.write"}, set_role},
    {"DELETE", "/api/organizations/{org}/members/{user}", {Access::org_admin, "org.members.write"}, remove_member},
    {"PUT", "/api/organizations/{org}/settings", Access::org_admin, settings},
    {"GET", "/api/settings/repositories", Access::signed_in, own_repos},
    {"GET", "/api/organizations/{org}/settings/repositories", {Access::org_member, "org.repos.read"}, org_repos},
    {"GET", "/api/users/{user}/avatar", Access::open, user_avatar},
    {"GET", "/api/organizations/{name}/avatar", Access::open, org_avatar},
    {"GET", "/avatars/{file}", Access::open, avatar},
};

}  // namespace
extern constinit const Routes organisations_entry{kRoutes};
}  // namespace hearth::server::routes
