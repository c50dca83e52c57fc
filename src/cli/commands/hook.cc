// hearth hook: what git calls on the hub during a push (server/routes/git_http.cc); not for people.
#include "cli/commands_registry.h"

namespace hearth::cli::commands {
namespace {

constexpr Command kRows[] = {
    {
        .verb = "hook pre-receive",
        .usage = "",
        .summary = "Judge a push; called by git.",
        .options = {},
        .help = "",
        .object = "hub",
    },
    {
        .verb = "hook post-receive",
        .usage = "",
        .summary = "Follow a push; called by git.",
        .options = {},
        .help = "",
        .object = "hub",
    },
};

}  // namespace

extern constinit const Commands hook_entry{Group::internal, "hook", "Called by git during a push.", kRows};

}  // namespace hearth::cli::commands
