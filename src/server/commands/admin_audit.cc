// hearth admin audit: the audit log, newest first.
#include "base/clock.h"
#include "base/text.h"
#include "hub/audit.h"
#include "hub/owners.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"
#include "server/span.h"

namespace hearth::server::commands {
namespace {

// "2026-01-31", a whole ISO time, or a span before now: 90m, 12h, 30d.
Result<int64_t> read_since(std::string_view text) {
  if (text.empty()) return 0;
  if (text.size() == 10) return parse_iso_time(cat(text, "T00:00:00Z"));
  if (contains(text, "T")) return parse_iso_time(text);
  const auto span = TRY(read_span_ms(text));
  return now_ms() - span;
}

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto hub = TRY(hub::Hub::open(data_folder()));
  hub::AuditQuery query{.since_ms = TRY(read_since(arguments.get("since"))),
                        .actor = std::string(arguments.get("actor")),
                        .action = std::string(arguments.get("action")),
                        .limit = 1000};
  if (arguments.has("owner")) query.owner_id = TRY(hub::find_owner(*hub, arguments.get("owner"))).id;
  if (arguments.has("csv")) terminal.print(hub::audit_csv_head());
  for (;;) {
    const auto page = TRY(hub::list_audit(*hub, query));
    for (const auto& entry : page) {
      if (arguments.has("json")) {
        terminal.print_line(hub::audit_json(entry).dump());
      } else if (arguments.has("csv")) {
        terminal.print(hub::audit_csv(entry));
      } else {
        terminal.print_line(printable(cat(iso_time(entry.at_ms), "  ", entry.actor.empty() ? "-" : entry.actor, " (",
                                          entry.via, entry.address.empty() ? "" : ", ", entry.address, ")  ",
                                          entry.action, "  ", entry.target, "  ", entry.data.dump())));
      }
    }
    if (page.empty()) return {};
    query.before_id = page.back().id;
  }
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_audit_entry{"admin audit", run};
}  // namespace hearth::server::commands
