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
constexpr Option kApplicationOptions[] = {
    {"scopes", "LIST", "what it may ask for, by commas (default: openid,profile)"},
    {"minutes", "N", "how long its tokens live (default: 480)"},
    {"public", "", "it keeps no secret: a browser's or a native application"},
};
constexpr Option kProviderOptions[] = {
    {"issuer", "URL", "the provider's address, as its discovery names it"},
    {"client-id", "ID", "what the provider calls this hub"},
    {"client-secret-stdin", "", "read the secret that the provider gave from standard input"},
    {"label", "TEXT", "what the button says (default: NAME)"},
    {"scopes", "LIST", "asked of the provider, by commas (default: openid,profile,email)"},
    {"domains", "LIST", "only people with a verified address of these domains"},
    {"name-claim", "CLAIM", "becomes the user's name (default: preferred_username)"},
    {"groups-claim", "CLAIM", "a list of groups (default: groups)"},
    {"groups", "LIST", "GROUP=ORG:ROLE, by commas: members of the group are in the organisation"},
    {"no-create", "", "people need an account here before they sign in"},
    {"link-names", "", "who signs in first with a name that exists here gets that account"},
};
constexpr Option kDisableOptions[] = {
    {"type", "TYPE", "model (the default), dataset or space"},
    {"undo", "", "put the repository back"},
};
constexpr Option kGcOptions[] = {
    {"dry-run", "", "only count what would go"},
    {"json", "", "print one JSON object"},
    {"min-age-days", "DAYS", "spare what was uploaded or named since (default: 28; clients rely on three weeks)"},
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
    {
        .verb = "admin user reset-totp",
        .usage = "NAME",
        .summary = "Take the second factor off an account.",
        .options = {},
        .help = "For who lost the phone and the recovery codes.\n\n"
                "Examples\n"
                "  $ hearth admin user reset-totp ann\n",
        .object = "hub",
    },
    {
        .verb = "admin oauth-app create",
        .usage = "NAME REDIRECT...",
        .summary = "Register an application that signs people in through this hub.",
        .options = kApplicationOptions,
        .help =
            "Prints the client id and, unless --public, the secret, which is shown this once.\n\n"
            "Examples\n"
            "  $ hearth admin oauth-app create Wiki https://wiki.example.org/callback\n"
            "  $ hearth admin oauth-app create Phone org.example.phone://done --public --scopes openid,read-repos\n",
        .object = "hub",
    },
    {
        .verb = "admin oauth-app delete",
        .usage = "CLIENT_ID",
        .summary = "Remove an application and every token that people gave it.",
        .options = {},
        .help = "Examples\n"
                "  $ hearth admin oauth-app delete 26be6b09-91c5-47da-9861-d2d2bb7a7e36\n",
        .object = "hub",
    },
    {
        .verb = "admin login-provider set",
        .usage = "NAME",
        .summary = "Let people sign in with their account at an outside OpenID provider.",
        .options = kProviderOptions,
        .help = "Register HUB/login/with/NAME/callback as redirect address at the provider.\n\n"
                "Examples\n"
                "  $ echo \"$SECRET\" | hearth admin login-provider set work --issuer https://login.example.org "
                "--client-id hub --client-secret-stdin --domains example.org --groups ml=research:write\n",
        .object = "hub",
    },
    {
        .verb = "admin login-provider remove",
        .usage = "NAME",
        .summary = "Take the provider's button away; accounts stay.",
        .options = {},
        .help = "Examples\n"
                "  $ hearth admin login-provider remove work\n",
        .object = "hub",
    },
    {
        .verb = "admin gc",
        .usage = "",
        .summary = "Remove stored files and xorbs that nothing names any more.",
        .options = kGcOptions,
        .help =
            "Whatever a commit, tag or pull request of any repository leads to stays, and everything young. May run\n"
            "beside the server.\n\n"
            "Examples\n"
            "  $ hearth admin gc --dry-run\n"
            "  $ hearth admin gc --json --data DIR\n",
        .object = "hub",
    },
};

}  // namespace

extern constinit const Commands admin_entry{Group::hub, "admin", "Manage the accounts of a hub.", kRows};

}  // namespace hearth::cli::commands
