// hearth admin token create: a token for a user; the token is the last word printed.
#include "base/text.h"
#include "hub/hub.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status create(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin token create takes one USER");
  const auto role = TRY(hub::parse_role(arguments.get("role", "read")));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto user = TRY(hub->accounts().user(words[0]));
  const auto token = TRY(hub->accounts().create_token(user, role, arguments.get("name", "command line")));
  terminal.print_line(cat("Token of ", user.name, " (", hub::role_name(role), "), shown this once: ", token));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = create(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_token_create_entry{"admin token create", run};
}  // namespace hearth::server::commands
