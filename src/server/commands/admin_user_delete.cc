// hearth admin user delete: an account goes, with its tokens and sessions.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/owners.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin user delete takes one NAME");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto owner = TRY(hub::find_owner(*hub, words[0]));
  if (owner.kind == hub::OwnerKind::org)
    return Status(Code::bad_input, cat(owner.name, " is an organisation: hearth admin org delete"));
  TRY(hub::delete_owner(*hub, owner, arguments.has("with-repos")));
  TRY(hub::record_command(*hub, "user.delete", owner.id, cat("user ", owner.name)));
  terminal.print_line(cat("Deleted ", owner.name));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_user_delete_entry{"admin user delete", run};
}  // namespace hearth::server::commands
