// hearth admin: the hub in the data folder, from accounts to backups; works whether its server runs or not. One table.
#include "cli/commands_registry.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kUserOptions[] = {
    {"admin", "", "the user may administrate the hub"},
    {"password-stdin", "", "read the password from standard input"},
    {"fullname", "F", "the name in full"},
    {"email", "E", "the address that commits carry (default: one that reaches nobody)"},
};
constexpr Option kPasswordOptions[] = {
    {"password-stdin", "", "read the password from standard input"},
};
constexpr Option kListOptions[] = {
    {"json", "", "one JSON object a line"},
};
constexpr Option kJobsOptions[] = {
    {"failed", "", "only those that were given up"},
    {"json", "", "one JSON object a line"},
};
constexpr Option kTokenOptions[] = {
    {"role", "ROLE", "read (the default), write or fineGrained"},
    {"name", "NAME", "what the token is for, shown in lists"},
    {"scope", "SCOPE", "TYPE:NAME=PERMISSION,... or PERMISSION for everywhere", true},
    {"gated", "", "a fineGrained token may read gated repositories that its user was let into"},
    {"expires", "SPAN", "when it stops to work: 12h, 30d (default: never)"},
};
constexpr Option kOrgOptions[] = {
    {"fullname", "F", "the name in full"},
    {"owner", "USER", "its first administrator"},
    {"details", "TEXT", "what it says of itself"},
    {"default-visibility", "V", "of new repositories: public (the default) or private"},
};
constexpr Option kRoleOptions[] = {
    {"role", "ROLE", "read (the default), contributor, write, admin or no_access"},
};
constexpr Option kDeleteOptions[] = {
    {"with-repos", "", "delete its repositories too"},
};
constexpr Option kQuotaOptions[] = {
    {"private", "SIZE", "how much of it may be private"},
};
constexpr Option kAuditOptions[] = {
    {"since", "TIME", "2026-01-31, or a span before now: 90m, 12h, 30d"},
    {"owner", "NAME", "what concerns this user or organisation"},
    {"actor", "USER", "what this user did"},
    {"action", "ACTION", "repo.create, or repo for all that begin so"},
    {"json", "", "one JSON object a line"},
    {"csv", "", "comma-separated values with a first line of names"},
};
constexpr Option kLinkOptions[] = {
    {"url", "URL", "the hub's address (default: where the hub was last served)"},
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
constexpr Option kKindOptions[] = {
    {"type", "TYPE", "model (the default), dataset or space"},
};
constexpr Option kGcOptions[] = {
    {"dry-run", "", "only count what would go"},
    {"json", "", "print one JSON object"},
    {"min-age-days", "DAYS", "spare what was uploaded or named since (default: 28; clients rely on three weeks)"},
};
constexpr Option kBackupOptions[] = {
    {"copy", "", "copy bytes where hard links would do: for a backup that outlives damage to the hub's own files"},
};
constexpr Option kRestoreOptions[] = {
    {"database", "URL", "into an empty PostgreSQL database: postgresql://user:password@host/database"},
    {"objects", "URL", "large files into S3: s3://bucket/prefix?endpoint=URL&region=NAME"},
    {"repositories", "DIR", "git repositories into this folder"},
};
constexpr Option kFsckOptions[] = {
    {"json", "", "print one JSON object"},
    {"quick", "", "do not read the bytes of large files and git objects"},
};
constexpr Option kUpstreamOptions[] = {
    {"owner", "OWNER", "ask it for this owner's repositories alone"},
    {"all", "", "ask it for the repositories of every owner that this hub does not know"},
    {"max-size", "SIZE", "larger repositories do not come: 50GB, 1.5TB"},
    {"token-stdin", "", "read a token for it from standard input: private repositories need one"},
};
constexpr Option kMirrorOptions[] = {
    {"type", "TYPE", "model (the default), dataset or space"},
    {"every", "TIME", "how often it is copied again: 30m, 1h, 1d [1h]"},
    {"token-stdin", "", "read a token for the other hub from standard input"},
};
constexpr Option kImportOptions[] = {
    {"overwrite", "", "of an archive: repositories that are here get its commits"},
    {"type", "TYPE", "model (the default), dataset or space"},
    {"token-stdin", "", "read a token for the other hub from standard input"},
};
constexpr Option kExportOptions[] = {
    {"output", "FILE", "the archive", false, "o"},
};
constexpr Option kTypeOptions[] = {
    {"type", "TYPE", "model (the default), dataset or space"},
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
                "  $ hearth admin user create eve --fullname 'Eve Adams' --email eve@example.org\n"
                "  $ echo \"$PASSWORD\" | hearth admin user create bob --password-stdin\n",
        .object = "hub",
    },
    {
        .verb = "admin user list",
        .usage = "",
        .summary = "List the accounts.",
        .options = kListOptions,
        .help = "Examples\n  $ hearth admin user list\n  $ hearth admin user list --json\n",
        .object = "hub",
    },
    {
        .verb = "admin user set-password",
        .usage = "NAME",
        .summary = "Give an account another password and end its sessions.",
        .options = kPasswordOptions,
        .help = "Asks for the password twice unless --password-stdin is given. Tokens stay.\n\n"
                "Examples\n"
                "  $ hearth admin user set-password ann\n"
                "  $ echo \"$PASSWORD\" | hearth admin user set-password bob --password-stdin\n",
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
        .verb = "admin user rename",
        .usage = "NAME NEW_NAME",
        .summary = "Give an account another name; old addresses lead to the new ones.",
        .options = {},
        .help = "Examples\n  $ hearth admin user rename ann anna\n",
        .object = "hub",
    },
    {
        .verb = "admin user delete",
        .usage = "NAME",
        .summary = "Delete an account with its tokens and sessions.",
        .options = kDeleteOptions,
        .help = "Examples\n  $ hearth admin user delete bob --with-repos\n",
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
        .verb = "admin token create",
        .usage = "USER",
        .summary = "Create an access token; it is the last word printed.",
        .options = kTokenOptions,
        .help = "The hub keeps only a hash: a token is shown this once.\n\n"
                "Examples\n"
                "  $ hearth admin token create ann --role write\n"
                "  $ export HF_TOKEN=$(hearth admin token create ann --role read | awk '{ print $NF }')\n"
                "  $ hearth admin token create ann --role fineGrained --scope org:acme=repo.write --expires 30d\n"
                "  $ hearth admin token create ann --role fineGrained --scope model:ann/tiny=repo.content.read\n",
        .object = "hub",
    },
    {
        .verb = "admin token list",
        .usage = "USER",
        .summary = "The tokens of a user: number, role, last letters, use and end.",
        .options = {},
        .help = "Examples\n  $ hearth admin token list ann\n",
        .object = "hub",
    },
    {
        .verb = "admin token revoke",
        .usage = "USER ID",
        .summary = "A token stops to work at once.",
        .options = {},
        .help = "Examples\n  $ hearth admin token revoke ann 7\n",
        .object = "hub",
    },
    {
        .verb = "admin org create",
        .usage = "NAME",
        .summary = "Create an organisation.",
        .options = kOrgOptions,
        .help = "Examples\n"
                "  $ hearth admin org create acme --fullname 'Acme Corp.' --owner ann --default-visibility private\n",
        .object = "hub",
    },
    {
        .verb = "admin org list",
        .usage = "[ORG]",
        .summary = "The organisations, or the members of one.",
        .options = {},
        .help = "Examples\n  $ hearth admin org list\n  $ hearth admin org list acme\n",
        .object = "hub",
    },
    {
        .verb = "admin org add-member",
        .usage = "ORG USER",
        .summary = "A user joins an organisation.",
        .options = kRoleOptions,
        .help = "read: read private repositories; contributor: create repositories and change the own ones; write: "
                "change all; admin: settings and members; no_access: only what resource groups give.\n\n"
                "Examples\n  $ hearth admin org add-member acme bob --role contributor\n",
        .object = "hub",
    },
    {
        .verb = "admin org set-role",
        .usage = "ORG USER",
        .summary = "A member gets another role.",
        .options = kRoleOptions,
        .help = "Examples\n  $ hearth admin org set-role acme bob --role write\n",
        .object = "hub",
    },
    {
        .verb = "admin org remove-member",
        .usage = "ORG USER",
        .summary = "A user leaves an organisation.",
        .options = {},
        .help = "Examples\n  $ hearth admin org remove-member acme bob\n",
        .object = "hub",
    },
    {
        .verb = "admin org rename",
        .usage = "NAME NEW_NAME",
        .summary = "Give an organisation another name; old addresses lead to the new ones.",
        .options = {},
        .help = "Examples\n  $ hearth admin org rename acme acme-labs\n",
        .object = "hub",
    },
    {
        .verb = "admin org delete",
        .usage = "NAME",
        .summary = "Delete an organisation.",
        .options = kDeleteOptions,
        .help = "Examples\n  $ hearth admin org delete acme --with-repos\n",
        .object = "hub",
    },
    {
        .verb = "admin quota set",
        .usage = "OWNER [SIZE]",
        .summary = "How much a user or organisation may store.",
        .options = kQuotaOptions,
        .help = "Examples\n"
                "  $ hearth admin quota set acme 100GB --private 20GB\n"
                "  $ hearth admin quota set acme none\n",
        .object = "hub",
    },
    {
        .verb = "admin quota list",
        .usage = "[OWNER]",
        .summary = "What users and organisations may store, and what they do.",
        .options = {},
        .help = "Examples\n  $ hearth admin quota list\n  $ hearth admin quota list acme\n",
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
        .verb = "admin short-name set",
        .usage = "NAME REPO",
        .summary = "Lead a name without an owner to a repository.",
        .options = kKindOptions,
        .help = "Clients that ask for NAME alone (as for gpt2 on the public Hub) are led on to the repository.\n\n"
                "Examples\n"
                "  $ hearth admin short-name set gpt2 openai-community/gpt2\n"
                "  $ hearth admin short-name set squad rajpurkar/squad --type dataset\n",
        .object = "hub",
    },
    {
        .verb = "admin short-name list",
        .usage = "",
        .summary = "List the names without an owner, and where they lead.",
        .options = {},
        .help = "Examples\n  $ hearth admin short-name list\n",
        .object = "hub",
    },
    {
        .verb = "admin short-name rm",
        .usage = "NAME",
        .summary = "Take a short name away; the repository stays.",
        .options = kKindOptions,
        .help = "Examples\n"
                "  $ hearth admin short-name rm gpt2\n",
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
        .verb = "admin oauth-app list",
        .usage = "",
        .summary = "List the applications that sign people in through this hub.",
        .options = {},
        .help = "Examples\n  $ hearth admin oauth-app list\n",
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
                "  $ echo \"$SECRET\" | hearth admin login-provider set office --issuer https://login.example.org "
                "--client-id hub --client-secret-stdin --domains example.org --groups ml=research:write\n",
        .object = "hub",
    },
    {
        .verb = "admin login-provider list",
        .usage = "",
        .summary = "List the outside providers that people sign in with.",
        .options = {},
        .help = "Examples\n  $ hearth admin login-provider list\n",
        .object = "hub",
    },
    {
        .verb = "admin login-provider remove",
        .usage = "NAME",
        .summary = "Take the provider's button away; accounts stay.",
        .options = {},
        .help = "Examples\n"
                "  $ hearth admin login-provider remove office\n",
        .object = "hub",
    },
    {
        .verb = "admin upstream add",
        .usage = "NAME URL",
        .summary = "Ask another hub for what this one lacks.",
        .options = kUpstreamOptions,
        .help =
            "An unknown repository is fetched at its first request and kept: commits with the upstream's ids, large "
            "files at their first read. When the upstream is gone, what came is served. What is private there is "
            "private here.\n\n"
            "Examples\n"
            "  $ hearth admin upstream add hf https://huggingface.co --all --max-size 200GB\n"
            "  $ hearth admin upstream add lab https://hub.lab.example --owner lab --token-stdin < token\n",
        .object = "hub",
    },
    {
        .verb = "admin upstream list",
        .usage = "",
        .summary = "List the hubs that are asked.",
        .options = {},
        .help = "Examples\n  $ hearth admin upstream list\n",
        .object = "hub",
    },
    {
        .verb = "admin upstream remove",
        .usage = "NAME",
        .summary = "Ask it no more; what came from it stays.",
        .options = {},
        .help = "Examples\n  $ hearth admin upstream remove hf\n",
        .object = "hub",
    },
    {
        .verb = "admin mirror add",
        .usage = "URL REPO",
        .summary = "Keep a whole copy of another hub's repository, made again and again.",
        .options = kMirrorOptions,
        .help = "The running server copies: commits and all large files, going on where it was interrupted. Nobody "
                "commits to a mirror here.\n\n"
                "Examples\n"
                "  $ hearth admin mirror add https://huggingface.co/openai-community/gpt2 ann/gpt2 --every 1d\n",
        .object = "hub",
    },
    {
        .verb = "admin mirror list",
        .usage = "",
        .summary = "List mirrors and imports, with when they were last copied and what went wrong.",
        .options = {},
        .help = "Examples\n  $ hearth admin mirror list\n",
        .object = "hub",
    },
    {
        .verb = "admin mirror remove",
        .usage = "REPO",
        .summary = "Copy it no more; the repository stays and can be committed to.",
        .options = kTypeOptions,
        .help = "Examples\n  $ hearth admin mirror remove ann/gpt2\n",
        .object = "hub",
    },
    {
        .verb = "admin import",
        .usage = "ARCHIVE | URL REPO",
        .summary = "Take an archive of `hearth admin export` in, or copy a repository of another hub once.",
        .options = kImportOptions,
        .help =
            "An archive is checked against its hashes; what is here already is not unpacked again. Import only from "
            "whom you trust.\n\n"
            "With a URL it is `hearth admin mirror add`, but the repository is this hub's own as soon as all of it "
            "has come.\n\n"
            "Examples\n"
            "  $ hearth admin import models.tar\n"
            "  $ hearth admin import https://huggingface.co/datasets/stanfordnlp/imdb ann/imdb --type dataset\n",
        .object = "hub",
    },
    {
        .verb = "admin export",
        .usage = "REPO...",
        .summary = "Write repositories into one file, for a hub without internet.",
        .options = kExportOptions,
        .help =
            "All commits, branches and tags, and every large file once. Datasets are written datasets/OWNER/NAME.\n\n"
            "Examples\n"
            "  $ hearth admin export ann/bert datasets/ann/rows --output models.tar\n",
        .object = "hub",
    },
    {
        .verb = "admin jobs",
        .usage = "",
        .summary = "List the work that waits, runs or has failed.",
        .options = kJobsOptions,
        .help = "Failed work stays until it is retried.\n\n"
                "Examples\n"
                "  $ hearth admin jobs --failed\n"
                "  $ hearth admin jobs --json\n",
        .object = "hub",
    },
    {
        .verb = "admin jobs retry",
        .usage = "ID",
        .summary = "A failed job is tried again from its first attempt.",
        .options = {},
        .help = "Examples\n  $ hearth admin jobs retry 42\n",
        .object = "hub",
    },
    {
        .verb = "admin audit",
        .usage = "",
        .summary = "Who did what from where, newest first.",
        .options = kAuditOptions,
        .help = "Examples\n"
                "  $ hearth admin audit --since 30d --owner acme\n"
                "  $ hearth admin audit --action repo.delete --json\n"
                "  $ hearth admin audit --csv > audit.csv\n",
        .object = "hub",
    },
    {
        .verb = "admin backup",
        .usage = "DIR",
        .summary = "Copy the whole hub into a folder, while it serves.",
        .options = kBackupOptions,
        .help = "Into the folder of an earlier backup only what is new is copied. An interrupted backup leaves the\n"
                "earlier one as it was.\n\n"
                "Examples\n"
                "  $ hearth admin backup /mnt/backup/hub --data DIR\n",
        .object = "hub",
    },
    {
        .verb = "admin restore",
        .usage = "DIR",
        .summary = "Make the hub of a backup again, in an empty place.",
        .options = kRestoreOptions,
        .help = "The database may be another one than the backup's: so a hub moves from SQLite to PostgreSQL.\n\n"
                "Examples\n"
                "  $ hearth admin restore /mnt/backup/hub --data NEW\n"
                "  $ hearth admin restore /mnt/backup/hub --data NEW --database postgresql://hearth@db/hearth\n",
        .object = "hub",
    },
    {
        .verb = "admin fsck",
        .usage = "",
        .summary = "Check that everything is there that the hub names, and whole.",
        .options = kFsckOptions,
        .help = "Ends with 1 and a list when something is wrong; changes nothing. May run beside the server.\n\n"
                "Examples\n"
                "  $ hearth admin fsck --data DIR\n"
                "  $ hearth admin fsck --quick --json\n",
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

extern constinit const Commands admin_entry{Group::hub, "admin", "Run a hub: people, storage, other hubs, backups.",
                                            kRows};

}  // namespace hearth::cli::commands
