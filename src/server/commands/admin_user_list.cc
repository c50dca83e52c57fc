// hearth admin user list: the accounts of the hub.
#include "base/clock.h"
#include "base/text.h"
#include "hub/profiles.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Json user_json(const hub::User& user) {
  return Json::Object{{"name", user.name},
                      {"fullname", user.fullname},
                      {"email", user.email},
                      {"isAdmin", user.is_admin},
                      {"createdAt", iso_time(user.created_ms)}};
}

Status work(const Arguments& arguments, Terminal& terminal) {
  if (!arguments.positional().empty()) return Status(Code::bad_input, "admin user list takes no words, only options");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  for (const auto& user : TRY(hub::list_users(*hub))) {
    if (arguments.has("json")) {
      terminal.print_line(user_json(user).dump());
      continue;
    }
    terminal.print_line(cat(user.name, "\t", user.is_admin ? "admin" : "user", "\tmade ", iso_time(user.created_ms),
                            "\t", printable(user.fullname), "\t", printable(user.email)));
  }
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_user_list_entry{"admin user list", run};
}  // namespace hearth::server::commands
