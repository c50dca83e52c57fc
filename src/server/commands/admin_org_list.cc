// hearth admin org list: the organisations, or the members of one.
#include "base/text.h"
#include "hub/organisations.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status work(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() > 1) return Status(Code::bad_input, "admin org list takes one ORG or none");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  if (words.empty()) {
    for (const auto& org : TRY(hub::list_orgs(*hub)))
      terminal.print_line(cat(org.name, "\t", TRY(hub::count_members(*hub, org)), " members\tnew repositories ",
                              org.default_private ? "private" : "public", "\t", printable(org.fullname)));
    return {};
  }
  const auto org = TRY(hub::find_org(*hub, words[0]));
  int64_t after = 0;
  for (;;) {
    const auto page = TRY(hub::list_members(*hub, org, after));
    for (const auto& member : page) terminal.print_line(cat(member.user.name, "\t", hub::role_name(member.role)));
    if (page.empty()) return {};
    after = page.back().user.id;
  }
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = work(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_org_list_entry{"admin org list", run};
}  // namespace hearth::server::commands
