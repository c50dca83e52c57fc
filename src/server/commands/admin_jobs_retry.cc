// hearth admin jobs retry: a failed job waits again.
#include "base/text.h"
#include "hub/audit.h"
#include "jobs/queue.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  const auto id = words.size() == 1 ? parse_int(words[0]) : std::nullopt;
  if (!id) return Status(Code::bad_input, "admin jobs retry takes one ID, a number that admin jobs shows");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  TRY(jobs::Queue(hub->db()).requeue(*id));
  TRY(hub::record_command(*hub, "job.retry", 0, cat("job ", *id)));
  terminal.print_line(cat("Job ", *id, " waits again; the running server takes it"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_jobs_retry_entry{"admin jobs retry", run};
}  // namespace hearth::server::commands
