// hearth admin login-link: an address that signs the browser in, once.
#include "base/served.h"
#include "base/text.h"
#include "hub/audit.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status create(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin login-link takes one USER");
  auto url = std::string(arguments.get("url"));
  if (url.empty()) url = remembered_address(data_folder());
  if (url.empty()) url = last_served();
  if (url.empty()) url = "http://127.0.0.1:8686";
  while (url.ends_with('/')) url.pop_back();
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto user = TRY(hub->accounts().user(words[0]));
  const auto secret = TRY(hub->accounts().create_login_link(user));
  TRY(hub::record_command(*hub, "user.login_link", user.id, cat("user ", user.name)));
  terminal.print_line(cat("Signs ", user.name, " in, once, within half an hour: ", url, "/login?token=", secret));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = create(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_login_link_entry{"admin login-link", run};
}  // namespace hearth::server::commands
