// hearth admin token revoke: a token stops to work at once.
#include "base/text.h"
#include "hub/audit.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  const auto id = words.size() == 2 ? parse_int(words[1]) : std::nullopt;
  if (!id) return Status(Code::bad_input, "admin token revoke takes USER and the token's ID (hearth admin token list)");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto user = TRY(hub->accounts().user(words[0]));
  TRY(hub->accounts().delete_token(user, *id));
  TRY(hub::record_command(*hub, "user.token.delete", user.id, cat("token ", *id, " of ", user.name)));
  terminal.print_line(cat("Revoked token ", *id, " of ", user.name));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_token_revoke_entry{"admin token revoke", run};
}  // namespace hearth::server::commands
