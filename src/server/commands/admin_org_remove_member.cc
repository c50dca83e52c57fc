// hearth admin org remove-member: a user leaves an organisation.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/organisations.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 2) return Status(Code::bad_input, "admin org remove-member takes ORG and USER");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto org = TRY(hub::find_org(*hub, words[0]));
  const auto user = TRY(hub->accounts().user(words[1]));
  TRY(hub::remove_member(*hub, org, user));
  TRY(hub::record_command(*hub, "org.member.remove", org.id, cat("user ", user.name)));
  terminal.print_line(cat(user.name, " is no member of ", org.name, " any more"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_org_remove_member_entry{"admin org remove-member", run};
}  // namespace hearth::server::commands
