// hearth admin user create: an account on the hub of the data folder, whether the server runs or not.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/profiles.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"
#include "server/new_password.h"

namespace hearth::server::commands {
namespace {

Status create(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin user create takes one NAME");
  const auto given = [&](std::string_view name) {
    return arguments.has(name) ? std::optional(std::string(arguments.get(name))) : std::nullopt;
  };
  const hub::Profile profile{.fullname = given("fullname"), .email = given("email")};
  TRY(hub::check_profile(profile));
  const auto password = TRY(read_new_password(arguments, terminal, words[0]));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto user = TRY(hub->accounts().create_user(words[0], password, arguments.has("admin")));
  TRY(hub::set_profile(*hub, user, profile));
  TRY(hub::record_command(*hub, "user.create", user.id, cat("user ", user.name)));
  terminal.print_line(cat("Created ", user.is_admin ? "administrator " : "user ", user.name));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = create(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_user_create_entry{"admin user create", run};
}  // namespace hearth::server::commands
