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
  // It may have been renamed here since.
  const auto here = hub->repo(id);
  auto known = id;
  for (const auto& mirror : TRY(hub::list_mirrors(*hub)))
    if (here.ok() && mirror.repo_id == here->id) known = mirror.id;
  TRY(hub::remove_mirror(*hub, known));
  TRY(hub::record_command(*hub, "repo.mirror.remove", 0, cat(hub::kind_name(id.kind), " ", id.full())));
  terminal.print_line(cat(id.full(), here.ok() ? " is a repository of this hub" : " is copied no more"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = remove(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_mirror_remove_entry{"admin mirror remove", run};
}  // namespace hearth::server::commands
