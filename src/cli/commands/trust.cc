// hearth trust: flags and help; the body is in server/commands/trust.cc.
#include "cli/commands_registry.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"name", "HOST", "A name or address of this hub, remembered", true},
    {"address", "ADDRESS", "The hub's address in the printed lines for /etc/hosts [127.0.0.1]"},
    {"install", "", "Add the authority to this Debian system's list (needs root)"},
    {"renew", "", "A new authority: the one before is worth nothing any more"},
};

constexpr Command kRows[] = {{
    .verb = "trust",
    .usage = "",
    .summary = "Make a local certificate authority, so that clients reach this hub over TLS and under the names that "
               "they hard-code.",
    .options = kOptions,
    .help =
        "The authority lies in DATA/trust (P-256, ten years). It can vouch for this hub's names, huggingface.co, hf.co "
        "and huggingface.cloud, and for no others. `hearth serve --trust` answers under them.\n\n"
        "Examples\n"
        "  $ hearth trust\n"
        "  $ hearth trust --name hub.example.org --address 192.0.2.7\n"
        "  $ sudo hearth trust --install --data /var/lib/hearth",
    .object = "hub",
}};

}  // namespace
extern constinit const Commands trust_entry{Group::hub, "trust", "Make a local certificate authority for this hub.",
                                            kRows};
}  // namespace hearth::cli::commands
