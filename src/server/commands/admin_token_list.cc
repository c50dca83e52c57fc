// hearth admin token list: the tokens of a user.
#include "base/clock.h"
#include "base/text.h"
#include "hub/hub.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin token list takes one USER");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto user = TRY(hub->accounts().user(words[0]));
  for (const auto& token : TRY(hub->accounts().tokens(user)))
    terminal.print_line(cat(token.id, "\t", hub::role_name(token.role), "\thf_...", token.hint, "\t",
                            printable(token.name), "\tmade ", iso_time(token.created_ms), "\tused ",
                            token.used_ms ? iso_time(*token.used_ms) : std::string("never"),
                            token.expires_ms ? cat("\texpires ", iso_time(*token.expires_ms)) : std::string()));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_token_list_entry{"admin token list", run};
}  // namespace hearth::server::commands
