#include "server/gate_data.h"

#include "base/text.h"
#include "hub/gating.h"
#include "hub/tree.h"
#include "server/markdown.h"
#include "server/page_data.h"

namespace hearth::server {
namespace {

constexpr uint64_t kLicenseMax = 256 << 10;
constexpr int64_t kPendingMax = 1000;

// The licence that a reader agrees to is shown before they may read any other file.
std::string license_text(const Request& rq, const hub::Repo& repo, const Json& card) {
  const std::string link(card["license_link"].as_string());
  for (const auto& name : {link, std::string("LICENSE"), std::string("LICENSE.md"), std::string("LICENSE.txt")}) {
    if (name.empty() || contains(name, "://")) continue;
    const auto text = hub::read_file(rq.hub(), repo, "main", name, kLicenseMax);
    if (text.ok() && is_utf8(*text)) return *text;
  }
  return {};
}

Json field_json(const hub::GateField& field) {
  Json::Array options;
  for (const auto& option : field.options)
    options.push_back(Json::Object{{"label", option.label}, {"value", option.value}});
  if (field.type == hub::GateFieldType::country)
    for (const auto code : hub::country_codes()) options.push_back(Json::Object{{"label", code}, {"value", code}});
  return Json::Object{
      {"name", field.name}, {"type", hub::field_type_name(field.type)}, {"options", std::move(options)}};
}

}  // namespace

Result<Json> gate_json(const Request& rq, const hub::Repo& repo, const Json& card) {
  const auto gate = hub::read_gate(card);
  const auto path = repo_path(repo);
  Json::Array fields;
  for (const auto& field : gate.fields) fields.push_back(field_json(field));
  Json out =
      Json::Object{{"mode", repo.gated},
                   {"heading", gate.heading},
                   {"prompt", render_markdown(gate.prompt, {cat(path, "/resolve/main/"), cat(path, "/blob/main/")})},
                   {"button", gate.button},
                   {"license", license_text(rq, repo, card)},
                   {"fields", std::move(fields)}};
  std::string state = "anonymous";
  if (const auto* user = rq.user()) {
    const auto request = TRY(hub::access_request_of(rq.hub(), repo, *user));
    state = request ? hub::access_status_name(request->status) : "none";
    if (request && !request->reason.empty()) out.set("reason", request->reason);
  }
  if (hub::check_access(rq.caller(), repo, hub::Right::write).ok()) {
    state = "holder";
    const auto page = TRY(hub::list_access_requests(rq.hub(), repo, hub::AccessStatus::pending, 0, kPendingMax));
    Json::Array pending;
    for (const auto& request : page.items)
      pending.push_back(
          Json::Object{{"user", request.user}, {"fullname", request.fullname}, {"fields", request.fields}});
    out.set("pending", std::move(pending));
  }
  out.set("state", state);
  return out;
}

}  // namespace hearth::server
