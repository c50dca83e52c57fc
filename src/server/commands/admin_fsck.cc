// hearth admin fsck: is everything there that the hub names? Exit code 1 when something is wrong.
#include "base/text.h"
#include "hub/fsck.h"
#include "server/commands_registry.h"
#include "server/existing_hub.h"

namespace hearth::server::commands {
namespace {

Result<bool> check(const Arguments& arguments, Terminal& terminal) {
  if (!arguments.positional().empty()) return Status(Code::bad_input, "admin fsck takes no words, only options");
  const auto hub = TRY(open_existing_hub());
  hub::FsckOptions options{.quick = arguments.has("quick")};
  options.progress = [&](const std::string& what) { terminal.status_line(what); };
  const auto report = TRY(hub::check_hub(*hub, options));
  if (arguments.has("json")) {
    terminal.print_line(report.json().dump());
    return report.problems.empty();
  }
  for (const auto& one : report.problems) terminal.print_line(cat(one.what, ": ", one.where, ": ", one.detail));
  terminal.print_line(
      cat(report.repos, " repositories, ", report.contents, " large files, ", report.objects,
          " stored objects: ", report.problems.empty() ? "all is well" : cat(report.problems.size(), " problems")));
  return report.problems.empty();
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto well = check(arguments, terminal);
  if (!well.ok()) return terminal.fail(well.status());
  return *well ? 0 : 1;
}

}  // namespace
extern constinit const CommandBody admin_fsck_entry{"admin fsck", run};
}  // namespace hearth::server::commands
