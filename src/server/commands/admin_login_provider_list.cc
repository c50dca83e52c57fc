// hearth admin login-provider list: a line a provider: name, issuer, client id, whose addresses may sign in,
// which groups are members of which organisations.
#include "base/text.h"
#include "hub/login_provider.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status list(Terminal& terminal) {
  const auto hub = TRY(hub::Hub::open(data_folder()));
  for (const auto& provider : TRY(hub::list_login_providers(*hub))) {
    std::vector<std::string> groups;
    for (const auto& group : provider.groups)
      groups.push_back(cat(group.group, "=", group.org, ":", hub::role_name(group.role)));
    terminal.print_line(cat(provider.name, "\t", provider.issuer, "\t", provider.client_id, "\t",
                            provider.domains.empty() ? "everybody" : join(provider.domains, ","), "\t",
                            join(groups, ",")));
  }
  return {};
}

int run(const Arguments&, Terminal& terminal) {
  const auto status = list(terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_login_provider_list_entry{"admin login-provider list", run};
}  // namespace hearth::server::commands
