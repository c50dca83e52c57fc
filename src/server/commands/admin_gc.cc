// hearth admin gc: removes stored files and xorbs that nothing names any more.
#include "base/text.h"
#include "hub/audit.h"
#include "hub/gc.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"

namespace hearth::server::commands {
namespace {

constexpr int64_t kDay_ms = int64_t{24} * 3600 * 1000;

Status collect(const Arguments& arguments, Terminal& terminal) {
  if (!arguments.positional().empty()) return Status(Code::bad_input, "admin gc takes no words, only options");
  hub::GarbageOptions options{.dry_run = arguments.has("dry-run")};
  options.min_age_ms = TRY(arguments.get_int("min-age-days", hub::kGarbageAge_ms / kDay_ms, 0, 100'000)) * kDay_ms;
  const auto hub = TRY(hub::Hub::open(data_folder()));
  const auto report = TRY(hub::collect_garbage(*hub, options));
  if (!options.dry_run) TRY(hub::record_command(*hub, "hub.gc", 0, "", report.json()));
  if (arguments.has("json")) {
    auto json = report.json();
    json.set("dryRun", options.dry_run);
    terminal.print_line(json.dump());
    return {};
  }
  terminal.print_line(cat(options.dry_run ? "Would remove " : "Removed ", report.files, " files (",
                          human_size(report.file_bytes), ") and ", report.xorbs, " xorbs (",
                          human_size(report.xorb_bytes), "); ", report.kept, " objects stay."));
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = collect(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody admin_gc_entry{"admin gc", run};
}  // namespace hearth::server::commands
