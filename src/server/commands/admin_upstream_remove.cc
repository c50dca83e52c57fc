// hearth admin upstream remove: the hub is asked no more.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/mirrors.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status remove(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin upstream remove takes one NAME");
  const auto hub = TRY(hub::Hub::open(data_folder()));
  TRY(hub::remove_upstream(*hub, words[0]));
  TRY(hub::record_command(*hub, "hub.upstream.remove", 0, cat("upstream ", words[0])));
  terminal.print_line(cat("Removed ", words[0], "; what came from it stays"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = remove(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_upstream_remove_entry{"admin upstream remove", run};
}  // namespace hearth::server::commands
