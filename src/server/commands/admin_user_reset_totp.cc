// hearth admin user reset-totp: for who lost both the phone and the recovery codes.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/totp.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status reset(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin user reset-totp takes one NAME");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto user = TRY(hub->accounts().user(words[0]));
  TRY(hub::reset_totp(*hub, user));
  TRY(hub::record_command(*hub, "user.totp.disable", user.id, cat("user ", user.name)));
  terminal.print_line(cat(user.name, " signs in with the password alone"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = reset(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_user_reset_totp_entry{"admin user reset-totp", run};
}  // namespace hearth::server::commands
