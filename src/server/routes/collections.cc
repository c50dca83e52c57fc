// /api/collections: lists of repositories, papers and collections that people gather. A title that its owner has
// already answers 409 with the `slug`, since `exists_ok=True` reads it.
// Source: huggingface_hub 2.4.0 HfApi.list_collections .. delete_collection_item. An item of the list has no
// `position`: the client counts them itself and would take the key twice.
#include <algorithm>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/text.h"
#include "hub/collections.h"
#include "hub/object_id.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kPage = 100, kSkipMax = 1'000'000;
constexpr size_t kItemsInList = 4;  // as the Hub shows them

Json owner_json(const hub::Owner& owner) {
  return Json::Object{{"_id", hub::object_id_of(owner.id)},
                      {"name", owner.name},
                      {"fullname", owner.fullname.empty() ? owner.name : owner.fullname},
                      {"avatarUrl", ""},
                      {"type", owner.kind == hub::OwnerKind::org ? "org" : "user"}};
}

Json item_json(const hub::CollectionItem& item) {
  Json out = Json::Object{
      {"_id", item.object_id}, {"type", hub::type_name(item.type)}, {"position", item.position}, {"id", item.paper}};
  if (!item.note.empty()) out.set("note", Json::Object{{"text", item.note}, {"html", html_escape(item.note)}});
  if (const auto& repo = item.repo) {
    out.set("id", repo->full_name());
    out.set("repoType", hub::kind_name(repo->kind));
    out.set("author", repo->owner);
    out.set("private", repo->is_private);
    out.set("gated", repo->gated.empty() ? Json(false) : Json(repo->gated));
    out.set("likes", repo->likes);
    out.set("downloads", repo->downloads);
    out.set("lastModified", iso_time(repo->modified_ms));
  }
  if (const auto& nested = item.collection) {
    out.set("id", nested->object_id);
    out.set("slug", nested->slug());
    out.set("title", nested->title);
    out.set("owner", owner_json(nested->owner));
  }
  return out;
}

Result<Json> collection_json(const Request& rq, const hub::Collection& collection, bool in_list) {
  Json::Array items;
  for (const auto& item :
       TRY(hub::collection_items(rq.hub(), rq.caller(), collection, in_list ? kItemsInList : SIZE_MAX)))
    items.push_back(item_json(item));
  Json out = Json::Object{{"_id", collection.object_id},
                          {"slug", collection.slug()},
                          {"title", collection.title},
                          {"owner", owner_json(collection.owner)},
                          {"items", std::move(items)},
                          {"lastUpdated", iso_time(collection.updated_ms)},
                          {"private", collection.is_private},
                          {"theme", collection.theme},
                          {"upvotes", collection.upvotes},
                          {"gating", false},
                          {"shareUrl", cat(rq.endpoint(), "/collections/", collection.slug())}};
  if (!collection.description.empty()) out.set("description", collection.description);
  if (!in_list) out.set("position", collection.position);
  return out;
}

Result<hub::Collection> named(const Request& rq) {
  return hub::get_collection(rq.hub(), rq.caller(), cat(rq.arg("owner"), "/", rq.arg("slug")));
}

Result<Response> whole(const Request& rq, const hub::Collection& collection) {
  return json_response(TRY(collection_json(rq, collection, /*in_list=*/false)));
}

Result<Response> list(Request& rq) {
  using Sort = hub::CollectionQuery::Sort;
  hub::CollectionQuery query;
  for (const auto owner : rq.query_all("owner")) query.owners.emplace_back(owner);
  for (const auto item : rq.query_all("item")) query.items.emplace_back(item);
  query.search = rq.query("q");
  const auto sort = rq.query("sort", "lastModified");
  if (sort == "trending") {
    query.sort = Sort::trending;
  } else if (sort == "upvotes") {
    query.sort = Sort::upvotes;
  } else if (sort != "lastModified") {
    return Status(Code::bad_input,
                  cat("sort '", sort.substr(0, 40), "' is not known (lastModified, trending, upvotes)"));
  }
  query.limit = std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPage)), 1);
  query.skip = TRY(rq.query_int("cursor", 0, kSkipMax));
  const auto page = TRY(hub::list_collections(rq.hub(), rq.caller(), query));
  Json::Array items;
  for (const auto& collection : page.collections)
    items.push_back(TRY(collection_json(rq, collection, /*in_list=*/true)));
  return json_page(Json(std::move(items)).dump(),
                   page.more ? next_address(rq, cat(query.skip + query.limit)) : std::string());
}

Result<Response> create(Request& rq) {
  const auto body = TRY(rq.json());
  const auto made = TRY(hub::create_collection(rq.hub(), rq.caller(),
                                               {.owner = std::string(body["namespace"].as_string()),
                                                .title = std::string(body["title"].as_string()),
                                                .description = std::string(body["description"].as_string()),
                                                .is_private = body["private"].as_bool()}));
  if (!made.is_new) {
    const auto refusal = Status(
        Code::conflict, cat(made.collection.owner.name, " has a collection of that title: ", made.collection.slug()));
    auto out = error_response(refusal, /*anonymous=*/false);
    out.body = Json(Json::Object{{"error", refusal.message()}, {"slug", made.collection.slug()}}).dump();
    return out;
  }
  if (const auto& item = body["item"]; item.is_object())
    TRY(hub::add_item(rq.hub(), rq.caller(), made.collection, TRY(hub::parse_item_type(item["type"].as_string())),
                      item["id"].as_string(), {}));
  return whole(rq, made.collection);
}

Result<Response> get(Request& rq) {
  return whole(rq, TRY(named(rq)));
}

Result<Response> update(Request& rq) {
  const auto collection = TRY(named(rq));
  TRY(hub::check_collection(rq.caller(), collection));
  const auto body = TRY(rq.json());
  hub::CollectionChange change;
  const auto text = [&](std::string_view key, std::optional<std::string>& out) {
    if (body[key].is_string()) out = std::string(body[key].as_string());
  };
  text("title", change.title);
  text("description", change.description);
  text("theme", change.theme);
  if (body["private"].is_bool()) change.is_private = body["private"].as_bool();
  if (body["position"].is_int()) change.position = body["position"].as_int();
  const auto changed = TRY(hub::update_collection(rq.hub(), rq.caller(), collection, change));
  return json_response(
      Json(Json::Object{{"success", true}, {"data", TRY(collection_json(rq, changed, /*in_list=*/false))}}));
}

Result<Response> remove(Request& rq) {
  TRY(hub::delete_collection(rq.hub(), rq.caller(), TRY(named(rq))));
  return json_response(Json(Json::Object{{"success", true}}));
}

Result<Response> add_item(Request& rq) {
  const auto collection = TRY(named(rq));
  TRY(hub::check_collection(rq.caller(), collection));
  const auto body = TRY(rq.json());
  const auto& item = body["item"];
  TRY(hub::add_item(rq.hub(), rq.caller(), collection, TRY(hub::parse_item_type(item["type"].as_string())),
                    item["id"].as_string(), body["note"].as_string()));
  return whole(rq, TRY(named(rq)));
}

Result<Response> update_item(Request& rq) {
  const auto collection = TRY(named(rq));
  TRY(hub::check_collection(rq.caller(), collection));
  const auto body = TRY(rq.json());
  std::optional<std::string> note;
  if (body["note"].is_string()) note = std::string(body["note"].as_string());
  std::optional<int64_t> position;
  if (body["position"].is_int()) position = body["position"].as_int();
  TRY(hub::update_item(rq.hub(), rq.caller(), collection, rq.arg("item"), note, position));
  return json_response(Json(Json::Object{{"success", true}}));
}

Result<Response> remove_item(Request& rq) {
  TRY(hub::remove_item(rq.hub(), rq.caller(), TRY(named(rq)), rq.arg("item")));
  return json_response(Json(Json::Object{{"success", true}}));
}

// {resourceGroupId: an id or null}
Result<Response> set_group(Request& rq) {
  const auto collection = TRY(named(rq));
  TRY(hub::check_collection(rq.caller(), collection));
  const auto body = TRY(rq.json());
  const auto* wanted = body.find("resourceGroupId");
  const auto number = wanted ? hub::number_of_object_id(wanted->as_string()) : std::nullopt;
  if (!wanted || (!wanted->is_null() && !number))
    return Status(Code::bad_input, "\"resourceGroupId\" is the id of a resource group, or null");
  TRY(hub::set_collection_group(rq.hub(), rq.caller(), collection, number.value_or(0)));
  return whole(rq, TRY(named(rq)));
}

Result<Response> set_upvote(Request& rq, bool on) {
  TRY(hub::set_upvote(rq.hub(), rq.caller(), TRY(named(rq)), on));
  return json_response(Json(Json::Object{{"upvotes", TRY(named(rq)).upvotes}}));
}
Result<Response> upvote(Request& rq) {
  return set_upvote(rq, /*on=*/true);
}
Result<Response> take_upvote_back(Request& rq) {
  return set_upvote(rq, /*on=*/false);
}

constexpr Route kRoutes[] = {
    {"GET", "/api/collections", Access::open, list},
    {"POST", "/api/collections", Access::signed_in, create},
    {"GET", "/api/collections/{owner}/{slug}", Access::open, get},
    {"PATCH", "/api/collections/{owner}/{slug}", Access::signed_in, update},
    {"DELETE", "/api/collections/{owner}/{slug}", Access::signed_in, remove},
    {"POST", "/api/collections/{owner}/{slug}/items", Access::signed_in, add_item},
    {"PATCH", "/api/collections/{owner}/{slug}/items/{item}", Access::signed_in, update_item},
    {"DELETE", "/api/collections/{owner}/{slug}/items/{item}", Access::signed_in, remove_item},
    {"POST", "/api/collections/{owner}/{slug}/resource-group", Access::signed_in, set_group},
    {"POST", "/api/collections/{owner}/{slug}/upvote", Access::signed_in, upvote},
    {"DELETE", "/api/collections/{owner}/{slug}/upvote", Access::signed_in, take_upvote_back},
};

}  // namespace
extern constinit const Routes collections_entry{kRoutes};
}  // namespace hearth::server::routes
