// hearth import-cache: the repositories of a huggingface_hub cache become the hub's.
#include "hub/import_cache.h"

#include "base/text.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

Status import(const Arguments& arguments, Terminal& terminal) {
  if (!arguments.positional().empty()) return Status(Code::bad_input, "import-cache takes options alone: --cache DIR");
  hub::CacheImport wanted{.folder = std::string(arguments.get("cache")),
                          .default_owner = std::string(arguments.get("owner")),
                          .is_private = !arguments.has("public")};
  for (const auto& pair : arguments.all("owner-map")) {
    const auto equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == pair.size())
      return Status(Code::bad_input, cat("--owner-map takes FROM=TO, not '", pair, "'"));
    wanted.owners.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto done =
      TRY(hub::import_cache(*hub, wanted, [&](const std::string& snapshot) { terminal.status_line(snapshot); }));
  for (const auto& warning : done.warnings) terminal.note(cat("left out: ", printable(warning)));
  terminal.print_line(cat(done.repos, " repositories, ", done.snapshots, " snapshots (", done.skipped,
                          " were here already), ", done.files, " files; ", human_size(done.linked_bytes), " linked, ",
                          human_size(done.copied_bytes), " copied"));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = import(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody import_cache_entry{"import-cache", run};
}  // namespace hearth::server::commands
