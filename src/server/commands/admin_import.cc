// hearth admin import: one whole copy, by the running server's jobs.
#include "server/commands_registry.h"
#include "server/mirror_plan.h"

namespace hearth::server::commands {
namespace {

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = plan_copy(arguments, terminal, /*once=*/true);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_import_entry{"admin import", run};
}  // namespace hearth::server::commands
