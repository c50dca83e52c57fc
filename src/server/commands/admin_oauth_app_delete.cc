// hearth admin oauth-app delete: an application, and every token that people gave it.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/oauth.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status remove(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin oauth-app delete takes one CLIENT_ID");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto app = TRY(hub::find_oauth_app(*hub, words[0]));
  TRY(hub::delete_oauth_app(*hub, app));
  TRY(hub::record_command(*hub, "hub.application.delete", 0, cat("application ", app.name)));
  terminal.print_line(cat("Deleted ", app.name, " and the tokens that it was given"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = remove(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_oauth_app_delete_entry{"admin oauth-app delete", run};
}  // namespace hearth::server::commands
