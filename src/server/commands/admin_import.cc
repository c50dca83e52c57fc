// hearth admin import: an archive of `hearth admin export`, or one whole copy of another hub's repository by the
// running server's jobs.
#include "base/text.h"
#include "hub/archive.h"
#include "hub/audit.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"
#include "server/mirror_plan.h"

namespace hearth::server::commands {
namespace {

Status import(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return plan_copy(arguments, terminal, /*once=*/true);
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto done = TRY(hub::import_archive(*hub, words[0], arguments.has("overwrite"),
                                            [&](const std::string& name) { terminal.status_line(name); }));
  TRY(hub::record_command(*hub, "hub.import", 0, cat("file ", words[0]), Json::Object{{"repositories", done.repos}}));
  for (const auto& warning : done.warnings) terminal.note(cat("left out: ", warning));
  terminal.print_line(
      cat(done.repos, " repositories (", done.unchanged, " more were here already), ", done.objects, " large files"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = import(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_import_entry{"admin import", run};
}  // namespace hearth::server::commands
