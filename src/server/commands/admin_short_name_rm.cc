// hearth admin short-name rm: names without an owner, as the public Hub's gpt2.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/hub.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status remove(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin short-name rm takes one NAME");
  const auto kind = TRY(hub::parse_kind(arguments.get("type", "model")));
  const auto hub = TRY(hub::Hub::open(data_folder()));
  TRY(hub->set_short_name(kind, words[0], nullptr));
  TRY(hub::record_command(*hub, "repo.short_name.remove", 0, cat(hub::kind_name(kind), " ", words[0])));
  terminal.print_line(cat("Nothing is at ", words[0], " any more; the repository stays"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = remove(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_short_name_rm_entry{"admin short-name rm", run};
}  // namespace hearth::server::commands
