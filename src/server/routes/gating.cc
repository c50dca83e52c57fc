// Gated repositories: POST .../ask-access (the form of the page, or JSON), lists of requests, their handling, grants,
// and the report. Source: huggingface_hub 2.4.0 HfApi.list_pending_access_requests, accept_access_request,
// cancel_access_request, reject_access_request, grant_access; hub-docs models-gated.md (ask-access, the report's
// columns).
#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/gating.h"
#include "hub/object_id.h"
#include "server/api_json.h"
#include "server/page_data.h"
#include "server/routes_registry.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kPage = 1000;

// 0 when the text is none of ours: no request has that number.
int64_t request_number(std::string_view id) {
  int64_t out = 0;
  const bool whole = id.size() == 24 && id.starts_with("000000000") &&
                     std::from_chars(id.data(), id.data() + id.size(), out, 16).ptr == id.data() + id.size();
  return whole ? out : 0;
}

Json request_json(const hub::AccessRequest& request) {
  Json out =
      Json::Object{{"requestId", hub::object_id_of(request.id)},
                   {"status", hub::access_status_name(request.status)},
                   {"timestamp", iso_time(request.created_ms)},
                   {"user", Json::Object{{"user", request.user},
                                         {"fullname", request.fullname.empty() ? request.user : request.fullname},
                                         {"email", request.email.empty() ? Json() : Json(request.email)}}}};
  if (request.fields.size() != 0) out.set("fields", request.fields);
  if (!request.reason.empty()) out.set("rejectionReason", request.reason);
  return out;
}

// The form's fields are named as the card's; a browser sends them x-www-form-urlencoded.
Result<Json> read_answers(const Request& rq) {
  if (!rq.header("content-type").starts_with("application/x-www-form-urlencoded")) return rq.json();
  Json out = Json::Object();
  for (const auto& [name, value] : TRY(parse_query(rq.body()))) out.set(name, value);
  return out;
}

Result<Response> ask(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  if (rq.caller().anonymous()) return Status(Code::unauthenticated, "log in to ask for access");
  if (rq.caller().role == hub::TokenRole::read || rq.caller().scopes)
    return Status(Code::forbidden, "this token may only read; asking for access takes one with the write role");
  const auto request = TRY(hub::ask_access(rq.hub(), repo, rq.caller(), TRY(read_answers(rq))));
  if (rq.wants_html()) return redirect(repo_path(repo), 303);
  return json_response(Json(Json::Object{{"status", hub::access_status_name(request.status)}}));
}

Result<Response> list(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  const auto status = TRY(hub::parse_access_status(rq.arg("status")));
  const auto limit = std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPage)), 1);
  const auto after = TRY(rq.query_int("cursor", 0, INT64_MAX));
  const auto page = TRY(hub::list_access_requests(rq.hub(), repo, status, after, limit));
  JsonWriter out;
  out.begin_array();
  for (const auto& request : page.items) out.value(request_json(request));
  return json_page(out.end().take(), page.next == 0 ? "" : next_address(rq, cat(page.next)));
}

Result<Response> handle(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  const auto body = TRY(rq.json());
  hub::WhichRequest which{.user = std::string(body["user"].as_string())};
  if (const auto id = body["requestId"].as_string(); which.user.empty() && !id.empty()) {
    which.id = request_number(id);
    if (which.id == 0) return Status(Code::not_found, cat("there is no such access request for ", repo.full_name()));
  }
  const auto status = TRY(hub::parse_access_status(body["status"].as_string()));
  TRY(hub::handle_access_request(rq.hub(), repo, which, status, body["rejectionReason"].as_string(), *rq.user()));
  return json_response(Json(Json::Object{{"status", hub::access_status_name(status)}}));
}

Result<Response> grant(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  TRY(hub::grant_access(rq.hub(), repo, TRY(rq.json())["user"].as_string(), *rq.user()));
  return json_response(Json(Json::Object{{"status", "accepted"}}));
}

// RFC 4180, and a quote before what a spreadsheet would take for a formula.
std::string csv_cell(std::string_view text) {
  const bool formula = !text.empty() && contains("=+-@\t\r", text.substr(0, 1));
  return cat("\"", formula ? "'" : "", replace_all(text, "\"", "\"\""), "\"");
}

std::string report_csv(const std::vector<hub::AccessRequest>& requests) {
  std::vector<std::string> columns;  // of the card's fields, those that anybody answered
  for (const auto& request : requests)
    for (const auto& [name, value] : request.fields.object())
      if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(name);
  std::string out = "user,fullname,status,email,time";
  for (const auto& name : columns) out += cat(",", csv_cell(name));
  out += "\r\n";
  for (const auto& request : requests) {
    out += cat(csv_cell(request.user), ",", csv_cell(request.fullname), ",", hub::access_status_name(request.status),
               ",", csv_cell(request.email), ",", iso_time(request.created_ms));
    for (const auto& name : columns) {
      const auto& value = request.fields[name];
      out += cat(",", csv_cell(value.is_string() ? std::string(value.as_string())
                               : value.is_null() ? ""
                                                 : value.dump()));
    }
    out += "\r\n";
  }
  return out;
}

// JSON unless `format=csv` or `Accept: text/csv` asks otherwise.
Result<Response> report(Request& rq) {
  const auto& repo = *TRY(rq.repo());
  std::vector<hub::AccessRequest> all;
  for (int64_t after = 0;;) {
    auto page = TRY(hub::list_access_requests(rq.hub(), repo, std::nullopt, after, kPage));
    std::move(page.items.begin(), page.items.end(), std::back_inserter(all));
    if (page.next == 0) break;
    after = page.next;
  }
  const bool csv = rq.query("format") == "csv" || contains(rq.header("accept"), "text/csv");
  Json::Array rows;
  for (const auto& request : all) {
    Json row = Json::Object{{"user", request.user},
                            {"fullname", request.fullname},
                            {"status", hub::access_status_name(request.status)},
                            {"email", request.email},
                            {"time", iso_time(request.created_ms)}};
    if (request.fields.size() != 0) row.set("fields", request.fields);
    rows.push_back(std::move(row));
  }
  auto out = csv ? text_response(report_csv(all), "text/csv; charset=utf-8") : json_response(Json(std::move(rows)));
  out.headers.set("Content-Disposition",
                  cat("attachment; filename=\"user-access-report-", repo.name, csv ? ".csv\"" : ".json\""));
  return out;
}

constexpr Route kRoutes[] = {
    {"POST", "/{kind?}/{repo}/ask-access", Access::metadata, ask},
    {"POST", "/api/{kind}/{repo}/ask-access", Access::metadata, ask},
    {"GET", "/api/{kind}/{repo}/user-access-request/{status}", {Access::write, "repo.access.read"}, list},
    {"POST", "/api/{kind}/{repo}/user-access-request/handle", Access::write, handle},
    {"POST", "/api/{kind}/{repo}/user-access-request/grant", Access::write, grant},
    {"GET", "/{kind?}/{repo}/user-access-report", {Access::write, "repo.access.read"}, report},
    {"GET", "/api/{kind}/{repo}/user-access-report", {Access::write, "repo.access.read"}, report},
};

}  // namespace
extern constinit const Routes gating_entry{kRoutes};
}  // namespace hearth::server::routes
