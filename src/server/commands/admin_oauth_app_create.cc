// hearth admin oauth-app create: an application that may sign people in through this hub; id and secret are the last
// words of the two lines printed.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/oauth.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status create(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() < 2)
    return Status(Code::bad_input, "admin oauth-app create takes a NAME and its REDIRECT addresses");
  const auto minutes = TRY(arguments.get_int("minutes", 480, 1, 43'200));
  hub::NewOAuthApp wanted{.name = std::string(words[0]),
                          .redirect_uris = std::vector<std::string>(words.begin() + 1, words.end()),
                          .scopes = replace_all(arguments.get("scopes", "openid profile"), ",", " "),
                          .token_minutes = minutes,
                          .is_public = arguments.has("public")};
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto made = TRY(hub::create_oauth_app(*hub, wanted));
  TRY(hub::record_command(*hub, "hub.application.create", 0, cat("application ", made.app.name),
                          Json::Object{{"scopes", made.app.scopes}}));
  terminal.print_line(cat("Client id of ", made.app.name, ": ", made.app.client_id));
  if (!made.secret.empty()) terminal.print_line(cat("Client secret, shown this once: ", made.secret));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = create(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_oauth_app_create_entry{"admin oauth-app create", run};
}  // namespace hearth::server::commands
