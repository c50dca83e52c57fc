// hearth admin oauth-app list: a line an application: client id, name, whether it keeps a secret, scopes, where
// it may lead people back to.
#include "base/text.h"
#include "hub/oauth.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status list(Terminal& terminal) {
  const auto hub = TRY(hub::Hub::open(data_folder()));
  for (const auto& app : TRY(hub::list_oauth_apps(*hub)))
    terminal.print_line(cat(app.client_id, "\t", printable(app.name), "\t", app.is_public ? "public" : "secret", "\t",
                            app.scopes, "\t", printable(join(app.redirect_uris, " "))));
  return {};
}

int run(const Arguments&, Terminal& terminal) {
  const auto status = list(terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_oauth_app_list_entry{"admin oauth-app list", run};
}  // namespace hearth::server::commands
