// hearth admin jobs: the work that waits, runs or has failed.
#include "base/clock.h"
#include "base/text.h"
#include "hub/hub.h"
#include "jobs/queue.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

constexpr int64_t kJobsMax = 10'000;

Json job_json(const jobs::JobRow& row) {
  return Json::Object{{"id", row.job.id},           {"kind", row.job.kind},        {"key", row.job.key},
                      {"state", row.state},         {"attempts", row.job.attempt}, {"runAt", iso_time(row.run_at_ms)},
                      {"payload", row.job.payload}, {"error", row.error}};
}

Status work(const Arguments& arguments, Terminal& terminal) {
  if (!arguments.positional().empty())
    return Status(Code::bad_input, "admin jobs takes no words, only options; or: admin jobs retry ID");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto rows = TRY(jobs::Queue(hub->db()).list(arguments.has("failed") ? "failed" : "", kJobsMax));
  for (const auto& row : rows) {
    if (arguments.has("json")) {
      terminal.print_line(job_json(row).dump());
      continue;
    }
    terminal.print_line(
        printable(cat(row.job.id, "  ", row.state, "  ", row.job.kind,
                      row.job.key.empty() ? "" : cat(" (", row.job.key, ")"), "  due ", iso_time(row.run_at_ms),
                      "  attempts ", row.job.attempt, row.error.empty() ? "" : cat("  ", row.error))));
  }
  if (static_cast<int64_t>(rows.size()) == kJobsMax) terminal.note(cat("the first ", kJobsMax, " are shown"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_jobs_entry{"admin jobs", run};
}  // namespace hearth::server::commands
