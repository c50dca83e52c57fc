// hearth admin mirror remove: the repository becomes one of this hub.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/mirrors.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status remove(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin mirror remove takes one REPO");
  const auto kind = TRY(hub::parse_kind(arguments.get("type", "model")));
  const auto id = TRY(hub::parse_repo_id(kind, words[0]));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  TRY(hub::remove_mirror(*hub, id));
  TRY(hub::record_command(*hub, "repo.mirror.remove", 0, cat(hub::kind_name(id.kind), " ", id.full())));
  terminal.print_line(cat(id.full(), " is a repository of this hub"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = remove(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_mirror_remove_entry{"admin mirror remove", run};
}  // namespace hearth::server::commands
