// hearth admin mirror list: a line a mirror or import: repository, source, how often, when it was last copied, what
// went wrong.
#include "base/clock.h"
#include "base/text.h"
#include "hub/mirrors.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status list(Terminal& terminal) {
  const auto hub = TRY(hub::Hub::open(data_folder()));
  for (const auto& mirror : TRY(hub::list_mirrors(*hub))) {
    const auto source = cat(mirror.url, "/", hub::kind_prefix(mirror.id.kind), mirror.remote);
    const auto when = mirror.once           ? std::string("once")
                      : mirror.every_s == 0 ? "at reads"
                                            : cat("every ", mirror.every_s, " s");
    const auto here = hub->repo(mirror.id);
    const bool deleted = mirror.ready && !here.ok() && here.status().code() == Code::repo_not_found;
    const auto name = here.ok() ? here->full_name() : mirror.id.full();  // it may have been renamed here
    terminal.print_line(cat(hub::kind_prefix(mirror.id.kind), name, "\t", source, "\t", when, "\t",
                            mirror.checked_ms == 0 ? "never" : iso_time(mirror.checked_ms), "\t",
                            !mirror.error.empty() ? printable(mirror.error)
                            : deleted             ? "deleted here"
                            : mirror.ready        ? "ok"
                                                  : "waiting"));
  }
  return {};
}

int run(const Arguments&, Terminal& terminal) {
  const auto status = list(terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_mirror_list_entry{"admin mirror list", run};
}  // namespace hearth::server::commands
