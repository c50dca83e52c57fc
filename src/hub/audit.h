// The audit log: who did what, to what, from where and when. Written right after the change (server/audit.h) or by the
// command that made it; read by administrators of an organisation and of the hub, and exported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "hub/hub.h"

namespace hearth::hub {

struct AuditEntry {
  int64_t id = 0;
  int64_t at_ms = 0;
  std::string actor;     ///< the user's name at that time; empty: the hub's own command line
  int64_t actor_id = 0;  ///< 0: the command line
  std::string via;       ///< "session", "token NAME", "git", "command line"
  std::string address;   ///< the client's, empty on the command line
  std::string agent;     ///< its User-Agent
  std::string action;    ///< "repo.create", "org.member.role", ... (docs/hub.md lists them)
  int64_t owner_id = 0;  ///< the user or organisation whose log it belongs to
  std::string target;    ///< "model acme/tiny", "user bob"
  Json data = Json::Object();
};

/// Writes one entry at the present time; `id` and `at_ms` are ignored.
Status record_audit(Hub& hub, const AuditEntry& entry);
/// An entry of `hearth admin`.
Status record_command(Hub& hub, std::string_view action, int64_t owner_id, std::string_view target, Json data = {});

struct AuditQuery {
  std::optional<int64_t> owner_id = {};  ///< of one user or organisation
  int64_t since_ms = 0;
  int64_t before_id = 0;  ///< the last id of the page before; 0: from the newest
  std::string actor = {};
  std::string action = {};  ///< this one and what begins with it and a dot
  int64_t limit = 100;
};
/// Newest first.
Result<std::vector<AuditEntry>> list_audit(const Hub& hub, const AuditQuery& query);

/// The entry as the API, the export and `hearth admin audit --json` write it.
Json audit_json(const AuditEntry& entry);
/// A line of CSV (RFC 4180) with its end, and the first line of such a file. Cells that a spreadsheet would take for a
/// formula are quoted with an apostrophe.
std::string audit_csv(const AuditEntry& entry);
std::string_view audit_csv_head();

}  // namespace hearth::hub
