// hearth admin user set-password: gives an account another password and ends its sessions.
#include "base/text.h"
#include "hub/audit.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"
#include "server/new_password.h"

namespace hearth::server::commands {
namespace {

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin user set-password takes one NAME");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto user = TRY(hub->accounts().user(words[0]));
  TRY(hub->accounts().set_password(user.name, TRY(read_new_password(arguments, terminal, user.name))));
  TRY(hub->accounts().revoke_sessions(user));
  TRY(hub::record_command(*hub, "user.password", user.id, cat("user ", user.name)));
  terminal.print_line(cat("Set the password of ", user.name, "; its sessions are ended, its tokens stay"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_user_set_password_entry{"admin user set-password", run};
}  // namespace hearth::server::commands
