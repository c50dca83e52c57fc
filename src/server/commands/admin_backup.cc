// hearth admin backup: the whole hub into a folder, while it serves.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/backup.h"
#include "server/commands_registry.h"
#include "server/existing_hub.h"

namespace hearth::server::commands {
namespace {

Status back_up(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin backup takes one DIR");
  const auto hub = TRY(open_existing_hub());
  hub::BackupOptions options{.link = !arguments.has("copy")};
  options.progress = [&](const std::string& what) { terminal.status_line(what); };
  const auto done = TRY(hub::back_up(*hub, std::string(words[0]), options));
  TRY(hub::record_command(*hub, "hub.backup", 0, cat("folder ", words[0])));
  terminal.print_line(cat(done.repos, " repositories, ", done.rows, " rows, ", done.objects, " large files and xorbs (",
                          done.objects_new, " new, ", human_size(done.bytes_new), ") are in ", words[0]));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = back_up(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_backup_entry{"admin backup", run};
}  // namespace hearth::server::commands
