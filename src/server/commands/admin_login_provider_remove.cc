// hearth admin login-provider remove: nobody signs in through it any more; accounts and sessions stay.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/login_provider.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status remove(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin login-provider remove takes one NAME");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  TRY(hub::remove_login_provider(*hub, words[0]));
  TRY(hub::record_command(*hub, "hub.login_provider.remove", 0, cat("provider ", words[0])));
  terminal.print_line(cat("Removed ", words[0]));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = remove(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_login_provider_remove_entry{"admin login-provider remove", run};
}  // namespace hearth::server::commands
