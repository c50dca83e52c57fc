// hearth admin: accounts, tokens and login links of the hub in the data folder; works whether its server runs or not.
#include "cli/commands_registry.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kUserOptions[] = {
    {"admin", "", "the user may administrate the hub"},
    {"password-stdin", "", "read the password from standard input"},
};
constexpr Option kTokenOptions[] = {
    {"role", "ROLE", "read (the default) or write"},
    {"name", "NAME", "what the token is for, shown in lists"},
};
constexpr Option kLinkOptions[] = {
    {"url", "URL", "the hub's address (default: the address last served)"},
};
constexpr Option kDisableOptions[] = {
    {"type", "TYPE", "model (the default), dataset or space"},
    {"undo", "", "put the repository back"},
};
constexpr Command kRows[] = {
    {
        .verb = "admin user create",
        .usage = "NAME",
        .summary = "Create an account.",
        .options = kUserOptions,
        .help = "Asks for the password twice unless --password-stdin is given.\n\n"
                "Examples\n"
                "  $ hearth admin user create ann --admin --data DIR\n"
                "  $ echo \"$PASSWORD\" | hearth admin user create bob --password-stdin\n",
        .object = "hub",
    },
    {
        .verb = "admin token create",
        .usage = "USER",
        .summary = "Create an access token; it is the last word printed.",
        .options = kTokenOptions,
        .help = "The hub keeps only a hash: a token is shown this once.\n\n"
                "Examples\n"
                "  $ hearth admin token create ann --role write\n"
                "  $ export HF_TOKEN=$(hearth admin token create ann --role read | awk '{ print $NF }')\n",
        .object = "hub",
    },
    {
        .verb = "admin login-link",
        .usage = "USER",
        .summary = "Print an address that signs a browser in, once, within half an hour.",
        .options = kLinkOptions,
        .help = "Examples\n"
                "  $ hearth admin login-link ann\n"
                "  $ hearth admin login-link ann --url http://127.0.0.1:9000\n",
        .object = "hub",
    },
    {
        .verb = "admin repo disable",
        .usage = "REPO",
        .summary = "Take a repository down without deleting it.",
        .options = kDisableOptions,
        .help = "Everybody but the hub's administrators is answered that access is disabled.\n\n"
                "Examples\n"
                "  $ hearth admin repo disable ann/leaked --type dataset\n"
                "  $ hearth admin repo disable ann/leaked --type dataset --undo\n",
        .object = "hub",
    },
};

}  // namespace

extern constinit const Commands admin_entry{Group::hub, "admin", "Manage the accounts of a hub.", kRows};

}  // namespace hearth::cli::commands
