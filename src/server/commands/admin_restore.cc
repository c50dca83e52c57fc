// hearth admin restore: a hub made again from a backup, in an empty place.
#include "base/clock.h"
#include "base/text.h"
#include "hub/audit.h"
#include "hub/backup.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Result<bool> restore(const Arguments& arguments, Terminal& terminal) {
  const auto words = arguments.positional();
  if (words.size() != 1) return Status(Code::bad_input, "admin restore takes one DIR");
  const auto done = TRY(hub::restore_backup(std::string(words[0]), data_folder(),
                                            {.database = std::string(arguments.get("database")),
                                             .objects = std::string(arguments.get("objects")),
                                             .repositories = std::string(arguments.get("repositories"))},
                                            [&](const std::string& what) { terminal.status_line(what); }));
  {
    const auto hub = TRY(hub::Hub::open(data_folder()));
    TRY(hub::record_command(*hub, "hub.restore", 0, cat("folder ", words[0])));
  }
  for (const auto& name : done.damaged) terminal.note(cat("left out, since the backup's copy is damaged: ", name));
  terminal.print_line(cat(done.repos, " repositories, ", done.rows, " rows, ", done.objects,
                          " large files and xorbs are in ", data_folder(), ", as of ", iso_time(done.begun_ms)));
  return done.damaged.empty();
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto whole = restore(arguments, terminal);
  if (!whole.ok()) return terminal.fail(whole.status());
  return *whole ? 0 : 1;
}

}  // namespace
extern constinit const CommandBody admin_restore_entry{"admin restore", run};
}  // namespace hearth::server::commands
