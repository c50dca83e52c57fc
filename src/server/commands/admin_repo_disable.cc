// hearth admin repo disable: takes a repository down without deleting it; its files answer nobody but administrators.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/gating.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status disable(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin repo disable takes one REPO");
  const auto kind = TRY(hub::parse_kind(arguments.get("type", "model")));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto repo = TRY(hub->repo(TRY(hub::parse_repo_id(kind, words[0]))));
  const bool undo = arguments.has("undo");
  TRY(hub::set_disabled(*hub, repo, !undo));
  TRY(hub::record_command(*hub, undo ? "repo.enable" : "repo.disable", repo.owner_id,
                          cat(hub::kind_name(repo.kind), " ", repo.full_name())));
  terminal.print_line(cat(undo ? "Enabled " : "Disabled ", hub::kind_name(repo.kind), " ", repo.full_name()));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = disable(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_repo_disable_entry{"admin repo disable", run};
}  // namespace hearth::server::commands
