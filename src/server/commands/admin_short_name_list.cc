// hearth admin short-name list: a line a name: kind, name, where it leads.
#include "base/text.h"
#include "hub/owners.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status list(Terminal& terminal) {
  const auto hub = TRY(hub::Hub::open(data_folder()));
  for (const auto& name : TRY(hub::list_short_names(*hub)))
    terminal.print_line(cat(hub::kind_name(name.kind), "\t", name.name, "\t", name.repo));
  return {};
}

int run(const Arguments&, Terminal& terminal) {
  const auto status = list(terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_short_name_list_entry{"admin short-name list", run};
}  // namespace hearth::server::commands
