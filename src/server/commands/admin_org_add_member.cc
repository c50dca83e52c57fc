// hearth admin org add-member: a user joins an organisation.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/organisations.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 2) return Status(Code::bad_input, "admin org add-member takes ORG and USER");
  const auto role = TRY(hub::parse_org_role(arguments.get("role", "read")));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto org = TRY(hub::find_org(*hub, words[0]));
  const auto user = TRY(hub->accounts().user(words[1]));
  TRY(hub::set_member(*hub, org, user, role));
  TRY(hub::record_command(*hub, "org.member.add", org.id, cat("user ", user.name),
                          Json::Object{{"role", hub::role_name(role)}}));
  terminal.print_line(cat(user.name, " is a member of ", org.name, " with the role ", hub::role_name(role)));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_org_add_member_entry{"admin org add-member", run};
}  // namespace hearth::server::commands
