// hearth admin user rename: an account gets another name.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/owners.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 2) return Status(Code::bad_input, "admin user rename takes NAME and NEW_NAME");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto owner = TRY(hub::find_owner(*hub, words[0]));
  if (owner.kind == hub::OwnerKind::org)
    return Status(Code::bad_input, cat(owner.name, " is an organisation: hearth admin org rename"));
  TRY(hub::rename_owner(*hub, owner, words[1]));
  TRY(hub::record_command(*hub, "user.rename", owner.id, cat("user ", owner.name), Json::Object{{"to", words[1]}}));
  terminal.print_line(cat(owner.name, " is ", words[1], " from now on; the old addresses of repositories lead there"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_user_rename_entry{"admin user rename", run};
}  // namespace hearth::server::commands
