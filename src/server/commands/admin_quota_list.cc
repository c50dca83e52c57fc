// hearth admin quota list: what users and organisations may store, and what they do.
#include "base/text.h"
#include "hub/organisations.h"
#include "hub/owners.h"
#include "hub/profiles.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

std::string shown(std::optional<int64_t> bytes, std::string_view without) {
  return bytes ? human_size(static_cast<uint64_t>(*bytes)) : std::string(without);
}

Status print(const hub::Hub& hub, Terminal& terminal, int64_t id, std::string_view name) {
  const auto quota = TRY(hub::quota_of(hub, id));
  const auto usage = TRY(hub::usage_of(hub, id));
  terminal.print_line(cat(name, "\tused ", shown(usage.storage_bytes, ""), " of ",
                          shown(quota.storage_bytes, "no limit"), "\tprivate ", shown(usage.private_bytes, ""), " of ",
                          shown(quota.private_bytes, "no limit")));
  return {};
}

Status list(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() > 1) return Status(Code::bad_input, "admin quota list takes one OWNER or none");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  if (!words.empty()) {
    const auto owner = TRY(hub::find_owner(*hub, words[0]));
    return print(*hub, terminal, owner.id, owner.name);
  }
  for (const auto& user : TRY(hub::list_users(*hub))) TRY(print(*hub, terminal, user.id, user.name));
  for (const auto& org : TRY(hub::list_orgs(*hub))) TRY(print(*hub, terminal, org.id, org.name));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = list(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_quota_list_entry{"admin quota list", run};
}  // namespace hearth::server::commands
