// Likes of repositories and follows of people: POST and DELETE .../like and .../follow, and their lists in pages.
// Source: huggingface_hub 2.4.0 HfApi.unlike, list_repo_likers, list_liked_repos, list_user_followers,
// list_user_following, list_organization_followers.
#include <algorithm>

#include "base/clock.h"
#include "hub/object_id.h"
#include "hub/social.h"
#include "server/account_json.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kPage = 1000;

Result<int64_t> limit(const Request& rq) {
  return std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPage)), 1);
}

Json owner_json(const Request& rq, const hub::Owner& owner) {
  return Json::Object{{"_id", hub::object_id_of(owner.id)},
                      {"user", owner.name},
                      {"fullname", owner.fullname.empty() ? owner.name : owner.fullname},
                      {"avatarUrl", avatar_url(rq, owner.name)},
                      {"type", owner.kind == hub::OwnerKind::org ? "org" : "user"},
                      {"isPro", false}};
}

Response owners_page(const Request& rq, const hub::OwnerPage& page) {
  Json::Array items;
  for (const auto& owner : page.owners) items.push_back(owner_json(rq, owner));
  return json_page(Json(std::move(items)).dump(), next_address(rq, page.next));
}

Result<Response> set_like(Request& rq, bool liked) {
  TRY(hub::set_like(rq.hub(), *TRY(rq.repo()), rq.caller(), liked));
  return json_response(Json(Json::Object{{"liked", liked}}));
}
Result<Response> like(Request& rq) {
  return set_like(rq, /*liked=*/true);
}
Result<Response> unlike(Request& rq) {
  return set_like(rq, /*liked=*/false);
}

Result<Response> likers(Request& rq) {
  return owners_page(rq, TRY(hub::list_likers(rq.hub(), *TRY(rq.repo()), rq.query("cursor"), TRY(limit(rq)))));
}

Result<Response> likes(Request& rq) {
  const auto user = TRY(hub::find_owner(rq.hub(), rq.arg("user"), hub::OwnerKind::user));
  const auto page = TRY(hub::list_liked(rq.hub(), user, rq.query("cursor"), TRY(limit(rq))));
  Json::Array items;
  for (const auto& liked : page.repos)
    items.push_back(Json::Object{{"createdAt", iso_time(liked.created_ms)},
                                 {"repo", Json::Object{{"name", liked.name}, {"type", hub::kind_name(liked.kind)}}}});
  return json_page(Json(std::move(items)).dump(), next_address(rq, page.next));
}

Result<Response> set_follow(Request& rq, hub::OwnerKind kind, bool follows) {
  TRY(hub::check_social(rq.caller()));
  TRY(hub::set_follow(rq.hub(), TRY(hub::find_owner(rq.hub(), rq.arg("owner"), kind)), rq.caller(), follows));
  return json_response(Json(Json::Object{{"following", follows}}));
}
Result<Response> follow_user(Request& rq) {
  return set_follow(rq, hub::OwnerKind::user, /*follows=*/true);
}
Result<Response> unfollow_user(Request& rq) {
  return set_follow(rq, hub::OwnerKind::user, /*follows=*/false);
}
Result<Response> follow_org(Request& rq) {
  return set_follow(rq, hub::OwnerKind::org, /*follows=*/true);
}
Result<Response> unfollow_org(Request& rq) {
  return set_follow(rq, hub::OwnerKind::org, /*follows=*/false);
}

Result<Response> followers(Request& rq, hub::OwnerKind kind) {
  const auto owner = TRY(hub::find_owner(rq.hub(), rq.arg("owner"), kind));
  return owners_page(rq, TRY(hub::list_followers(rq.hub(), owner, rq.query("cursor"), TRY(limit(rq)))));
}
Result<Response> user_followers(Request& rq) {
  return followers(rq, hub::OwnerKind::user);
}
Result<Response> org_followers(Request& rq) {
  return followers(rq, hub::OwnerKind::org);
}

Result<Response> following(Request& rq) {
  const auto user = TRY(hub::find_owner(rq.hub(), rq.arg("owner"), hub::OwnerKind::user));
  return owners_page(rq, TRY(hub::list_following(rq.hub(), user, rq.query("cursor"), TRY(limit(rq)))));
}

constexpr Route kRoutes[] = {
    {"POST", "/api/{kind}/{repo}/like", {Access::metadata, "user.social.write"}, like},
    {"DELETE", "/api/{kind}/{repo}/like", {Access::metadata, "user.social.write"}, unlike},
    {"GET", "/api/{kind}/{repo}/likers", Access::metadata, likers},
    {"GET", "/api/users/{user}/likes", Access::open, likes},
    {"POST", "/api/users/{owner}/follow", {Access::signed_in, "user.social.write"}, follow_user},
    {"DELETE", "/api/users/{owner}/follow", {Access::signed_in, "user.social.write"}, unfollow_user},
    {"POST", "/api/organizations/{owner}/follow", {Access::signed_in, "user.social.write"}, follow_org},
    {"DELETE", "/api/organizations/{owner}/follow", {Access::signed_in, "user.social.write"}, unfollow_org},
    {"GET", "/api/users/{owner}/followers", Access::open, user_followers},
    {"GET", "/api/users/{owner}/following", Access::open, following},
    {"GET", "/api/organizations/{owner}/followers", Access::open, org_followers},
};

}  // namespace
extern constinit const Routes social_entry{kRoutes};
}  // namespace hearth::server::routes
