// hearth admin org create: an organisation with its first administrator.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/organisations.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1 || !arguments.has("owner"))
    return Status(Code::bad_input, "admin org create takes one NAME and --owner USER");
  const auto visibility = arguments.get("default-visibility", "public");
  if (visibility != "public" && visibility != "private")
    return Status(Code::bad_input, cat("--default-visibility is public or private, not '", visibility, "'"));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto owner = TRY(hub->accounts().user(arguments.get("owner")));
  const auto org = TRY(hub::create_org(*hub,
                                       {.name = words[0],
                                        .fullname = std::string(arguments.get("fullname")),
                                        .details = std::string(arguments.get("details")),
                                        .default_private = visibility == "private"},
                                       owner));
  TRY(hub::record_command(*hub, "org.create", org.id, cat("org ", org.name), Json::Object{{"owner", owner.name}}));
  terminal.print_line(cat("Created organisation ", org.name, " with the administrator ", owner.name));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_org_create_entry{"admin org create", run};
}  // namespace hearth::server::commands
