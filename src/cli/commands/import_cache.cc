// hearth import-cache: flags and help; the body is in server/commands/import_cache.cc.
#include "cli/commands_registry.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"cache", "DIR", "The cache [HF_HUB_CACHE, else $HF_HOME/hub]"},
    {"owner-map", "FROM=TO", "Repositories of FROM become TO's", true},
    {"owner", "NAME", "The owner of repositories without one, like gpt2"},
    {"public", "", "Everybody may read them; without it they are private"},
};

constexpr Command kRows[] = {{
    .verb = "import-cache",
    .usage = "",
    .summary = "Take a huggingface_hub cache in: its repositories with one commit a snapshot.",
    .options = kOptions,
    .help = "Large files are hard links where cache and data folder share a file system, else copies; each is checked "
            "against its hash. Linked files become read-only. A second run goes on where the first one ended.\n\n"
            "Examples\n"
            "  $ hearth import-cache\n"
            "  $ hearth import-cache --cache /mnt/old/hub --owner-map openai-community=ann --owner ann --public",
    .object = "hub",
}};

}  // namespace
extern constinit const Commands import_cache_entry{Group::hub, "import-cache", "Take a huggingface_hub cache in.",
                                                   kRows};
}  // namespace hearth::cli::commands
