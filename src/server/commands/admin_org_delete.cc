// hearth admin org delete: an organisation goes.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/owners.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin org delete takes one NAME");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto owner = TRY(hub::find_owner(*hub, words[0]));
  if (owner.kind != hub::OwnerKind::org)
    return Status(Code::bad_input, cat(owner.name, " is a user: hearth admin user delete"));
  TRY(hub::delete_owner(*hub, owner, arguments.has("with-repos")));
  TRY(hub::record_command(*hub, "org.delete", owner.id, cat("org ", owner.name)));
  terminal.print_line(cat("Deleted ", owner.name));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_org_delete_entry{"admin org delete", run};
}  // namespace hearth::server::commands
