// GET /api/organizations/{org}/audit-log and /api/admin/audit-log in pages, newest first; .../export: the whole as
// NDJSON or, with format=csv, comma-separated values. Source: huggingface.co/docs/hub/audit-logs (what an entry tells).
#include <algorithm>

#include "base/clock.h"
#include "base/text.h"
#include "hub/audit.h"
#include "server/api_json.h"
#include "server/route.h"

namespace hearth::server::routes {
namespace {

constexpr int64_t kPage = 100, kPageMax = 1000;
constexpr size_t kExportMax = 64u << 20;  // held in memory while it is sent

Result<hub::AuditQuery> read_query(const Request& rq, std::optional<int64_t> owner_id) {
  hub::AuditQuery out{.owner_id = owner_id,
                      .actor = std::string(rq.query("actor")),
                      .action = std::string(rq.query("action")),
                      .limit = std::max<int64_t>(TRY(rq.query_int("limit", kPage, kPageMax)), 1)};
  out.before_id = TRY(rq.query_int("cursor", 0, INT64_MAX));
  if (const auto since = rq.query("since"); !since.empty()) out.since_ms = TRY(parse_iso_time(since));
  return out;
}

Result<Response> page(Request& rq, std::optional<int64_t> owner_id) {
  const auto query = TRY(read_query(rq, owner_id));
  const auto entries = TRY(hub::list_audit(rq.hub(), query));
  Json::Array out;
  for (const auto& entry : entries) out.push_back(hub::audit_json(entry));
  const bool full = entries.size() == static_cast<size_t>(query.limit);
  return json_page(Json(std::move(out)).dump(), next_address(rq, full ? cat(entries.back().id) : std::string()));
}

Result<Response> whole(Request& rq, std::optional<int64_t> owner_id) {
  const auto format = rq.query("format", "ndjson");
  if (format != "ndjson" && format != "csv")
    return Status(Code::bad_input, cat("format is ndjson or csv, not '", format.substr(0, 40), "'"));
  auto query = TRY(read_query(rq, owner_id));
  query.limit = kPageMax;
  std::string out = format == "csv" ? std::string(hub::audit_csv_head()) : std::string();
  for (;;) {
    const auto entries = TRY(hub::list_audit(rq.hub(), query));
    if (entries.empty()) break;
    for (const auto& entry : entries)
      out += format == "csv" ? hub::audit_csv(entry) : cat(hub::audit_json(entry).dump(), "\n");
    if (out.size() > kExportMax)
      return Status(Code::too_large,
                    "the export is over 64 MB: ask for a part of it with since=2026-01-31T00:00:00Z, "
                    "or use hearth admin audit");
    query.before_id = entries.back().id;
  }
  auto response = text_response(std::move(out), format == "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson");
  response.headers.set("Content-Disposition", cat("attachment; filename=\"audit-log.", format, "\""));
  return response;
}

Result<Response> org_page(Request& rq) {
  return page(rq, TRY(rq.org())->id);
}
Result<Response> org_export(Request& rq) {
  return whole(rq, TRY(rq.org())->id);
}
Result<Response> site_page(Request& rq) {
  return page(rq, std::nullopt);
}
Result<Response> site_export(Request& rq) {
  return whole(rq, std::nullopt);
}

constexpr Decision kReader{Access::org_admin, "org.auditLog.read"};
constexpr Route kRoutes[] = {{"GET", "/api/organizations/{org}/audit-log", kReader, org_page},
                             {"GET", "/api/organizations/{org}/audit-log/export", kReader, org_export},
                             {"GET", "/api/admin/audit-log", Access::site_admin, site_page},
                             {"GET", "/api/admin/audit-log/export", Access::site_admin, site_export}};

}  // namespace
extern constinit const Routes audit_log_entry{kRoutes};
}  // namespace hearth::server::routes
