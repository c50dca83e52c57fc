#include "hub/audit.h"

#include <algorithm>

#include "base/clock.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr size_t kAgentMax = 300, kTargetMax = 400, kDataMax = 16'000;
constexpr int64_t kPageMax = 1000;

std::string clipped(std::string_view text, size_t max) {
  return utf8_replace_errors(text.substr(0, max));
}

// The range of texts that begin with `prefix` and a dot, without LIKE's wildcards: '.' is followed by '/' in ASCII.
std::pair<std::string, std::string> below(std::string_view prefix) {
  return {cat(prefix, "."), cat(prefix, "/")};
}

std::string csv_cell(std::string_view text) {
  const bool formula = !text.empty() && contains("=+-@\t\r", text.substr(0, 1));
  return cat("\"", formula ? "'" : "", replace_all(text, "\"", "\"\""), "\"");
}

}  // namespace

Status record_audit(Hub& hub, const AuditEntry& entry) {
  auto data = entry.data.is_object() ? entry.data.dump() : std::string("{}");
  if (data.size() > kDataMax) data = "{}";
  TRY(hub.db().execute(
      "INSERT INTO audit (at_ms, actor, actor_id, via, address, agent, action, owner_id, target, data) VALUES ($1, $2, "
      "$3, $4, $5, $6, $7, $8, $9, $10)",
      {now_ms(), entry.actor, entry.actor_id, clipped(entry.via, kAgentMax), clipped(entry.address, kAgentMax),
       clipped(entry.agent, kAgentMax), entry.action, entry.owner_id, clipped(entry.target, kTargetMax), data}));
  return {};
}

Status record_command(Hub& hub, std::string_view action, int64_t owner_id, std::string_view target, Json data) {
  return record_audit(hub, {.via = "command line",
                            .action = std::string(action),
                            .owner_id = owner_id,
                            .target = std::string(target),
                            .data = std::move(data)});
}

Result<std::vector<AuditEntry>> list_audit(const Hub& hub, const AuditQuery& query) {
  std::vector<store::Value> parameters;
  std::string where = "at_ms >= $1";
  parameters.emplace_back(query.since_ms);
  const auto add = [&](std::string_view condition, store::Value value) {
    parameters.push_back(std::move(value));
    where += cat(" AND ", condition, " $", parameters.size());
  };
  if (query.owner_id) add("owner_id =", *query.owner_id);
  if (query.before_id != 0) add("id <", query.before_id);
  if (!query.actor.empty()) add("lower(actor) =", to_lower_ascii(query.actor));
  if (!query.action.empty()) {
    const auto [from, to] = below(query.action);
    for (const auto& text : {query.action, from, to}) parameters.emplace_back(text);
    const auto n = parameters.size();
    where += cat(" AND (action = $", n - 2, " OR (action > $", n - 1, " AND action < $", n, "))");
  }
  std::vector<AuditEntry> out;
  for (const auto& row : TRY(hub.db().query(
           cat("SELECT id, at_ms, actor, actor_id, via, address, agent, action, owner_id, target, data FROM audit "
               "WHERE ",
               where, " ORDER BY id DESC LIMIT ", std::clamp<int64_t>(query.limit, 1, kPageMax)),
           parameters)))
    out.push_back({.id = row[0].integer(),
                   .at_ms = row[1].integer(),
                   .actor = row[2].text(),
                   .actor_id = row[3].integer(),
                   .via = row[4].text(),
                   .address = row[5].text(),
                   .agent = row[6].text(),
                   .action = row[7].text(),
                   .owner_id = row[8].integer(),
                   .target = row[9].text(),
                   .data = Json::parse(row[10].text()).value_or(Json(Json::Object()))});
  return out;
}

Json audit_json(const AuditEntry& entry) {
  return Json::Object{{"id", entry.id},         {"date", iso_time(entry.at_ms)}, {"actor", entry.actor},
                      {"via", entry.via},       {"ip", entry.address},           {"userAgent", entry.agent},
                      {"action", entry.action}, {"target", entry.target},        {"data", entry.data}};
}

std::string_view audit_csv_head() {
  return "id,date,actor,via,ip,userAgent,action,target,data\r\n";
}

std::string audit_csv(const AuditEntry& entry) {
  std::string out = cat(entry.id, ",", iso_time(entry.at_ms));
  for (const std::string_view text : std::initializer_list<std::string_view>{entry.actor, entry.via, entry.address,
                                                                             entry.agent, entry.action, entry.target})
    out += cat(",", csv_cell(text));
  return cat(out, ",", csv_cell(entry.data.dump()), "\r\n");
}

}  // namespace hearth::hub
