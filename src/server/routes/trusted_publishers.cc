// .../trusted-publishers of a repository, and /api/settings/trusted-publishers of the user: who may exchange an outside
// identity token for one of this hub (hub/publishers.h; the exchange itself is in oauth.cc).
// The paths are this hub's own: huggingface.co has pages there. Source: hub-docs trusted-publishers.md.
#include "base/clock.h"
#include "base/text.h"
#include "hub/publishers.h"
#include "server/routes_registry.h"

namespace hearth::server::routes {
namespace {

Json publisher_json(const hub::Publisher& publisher) {
  return Json::Object{{"id", publisher.id},
                      {"issuer", publisher.issuer},
                      {"claims", publisher.claims},
                      {"readOnly", publisher.read_only},
                      {"createdAt", iso_time(publisher.created_ms)},
                      {"lastUsedAt", publisher.used_ms ? Json(iso_time(*publisher.used_ms)) : Json()}};
}

// The path's repository; null: the user's own.
Result<const hub::Repo*> place(const Request& rq) {
  if (rq.arg("repo").empty()) return static_cast<const hub::Repo*>(nullptr);
  return rq.repo();
}

Result<Response> list(Request& rq) {
  Json::Array out;
  for (const auto& publisher : TRY(hub::list_publishers(rq.hub(), *rq.user(), TRY(place(rq)))))
    out.push_back(publisher_json(publisher));
  return json_response(Json(std::move(out)));
}

Result<Response> add(Request& rq) {
  const auto body = TRY(rq.json());
  const auto made = TRY(hub::add_publisher(rq.hub(), *rq.user(), TRY(place(rq)),
                                           {.issuer = std::string(body["issuer"].as_string()),
                                            .claims = body["claims"],
                                            .read_only = body["readOnly"].as_bool()}));
  rq.audit().data = Json::Object{{"issuer", made.issuer}, {"claims", made.claims}, {"readOnly", made.read_only}};
  return json_response(publisher_json(made), 201);
}

Result<Response> remove(Request& rq) {
  const auto id = parse_int(rq.arg("id")).value_or(0);
  TRY(hub::remove_publisher(rq.hub(), *rq.user(), TRY(place(rq)), id));
  rq.audit().data = Json::Object{{"id", id}};
  return empty_response();
}

constexpr Route kRoutes[] = {
    {"GET", "/api/{kind}/{repo}/trusted-publishers", Access::admin, list},
    {"POST", "/api/{kind}/{repo}/trusted-publishers", Access::admin, add},
    {"DELETE", "/api/{kind}/{repo}/trusted-publishers/{id}", Access::admin, remove},
    {"GET", "/api/settings/trusted-publishers", Access::session, list},
    {"POST", "/api/settings/trusted-publishers", Access::session, add},
    {"DELETE", "/api/settings/trusted-publishers/{id}", Access::session, remove},
};

}  // namespace
extern constinit const Routes trusted_publishers_entry{kRoutes};
}  // namespace hearth::server::routes
