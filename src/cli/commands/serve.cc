// hearth serve: flags and help; the body is in server/commands/serve.cc.
#include "cli/commands_registry.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"host", "ADDRESS", "Address to listen on; 0.0.0.0 for every interface [127.0.0.1]"},
    {"port", "N", "Port; 0 takes a free one [8686]"},
    {"anonymous-inference", "on|off|auto",
     "May visitors use the engines of public models? auto: when bound to loopback [auto]"},
};

constexpr Command kRows[] = {{
    .verb = "serve",
    .usage = "",
    .summary = "Serve the hub: repositories, pages, engines.",
    .options = kOptions,
    .help =
        "Everything lies in one folder (--data DIR, or HEARTH_DATA, else ./data), made at the first start. It runs in "
        "the foreground until Ctrl-C.\n\n"
        "Examples\n"
        "  $ hearth serve\n"
        "  $ hearth serve --host 0.0.0.0 --port 80 --data /srv/hearth",
    .object = "hub",
}};

}  // namespace
extern constinit const Commands serve_entry{Group::hub, "serve", "Serve the hub.", kRows};
}  // namespace hearth::cli::commands
