// hearth admin mirror add: whole copies that are made again and again, by the running server's jobs.
#include "server/commands_registry.h"
#include "server/mirror_plan.h"

namespace hearth::server::commands {
namespace {

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = plan_copy(arguments, terminal, /*once=*/false);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_mirror_add_entry{"admin mirror add", run};
}  // namespace hearth::server::commands
