// hearth serve: flags and help; the body is in server/commands/serve.cc.
#include "cli/commands_registry.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"host", "ADDRESS", "Address to listen on; 0.0.0.0 for every interface [127.0.0.1]"},
    {"port", "N", "Port; 0 takes a free one [8686]"},
    {"database", "URL", "PostgreSQL in place of DATA/hearth.db: postgresql://user:password@host/database"},
    {"objects", "URL",
     "S3 in place of DATA/objects: s3://bucket/prefix?endpoint=URL&region=NAME; AWS_ACCESS_KEY_ID, ..."},
    {"repositories", "DIR", "git repositories in place of DATA/repos: a folder that all fronts of one hub share"},
    {"listen", "HOST:PORT", "One more address; may be given several times", true},
    {"tls-cert", "FILE", "Serve https with this certificate and its chain (PEM); read again at SIGHUP"},
    {"tls-key", "FILE", "The certificate's key (PEM)"},
    {"http-port", "N", "With --tls-cert: a port of plain HTTP that sends clients on to https"},
    {"trust", "", "Answer also under huggingface.co and the like, with `hearth trust`'s certificate"},
    {"trust-port", "N", "The port of --trust [443]"},
    {"public-url", "URL", "The address that answers name, as clients see it"},
    {"trusted-proxy", "ADDRESS", "Believe X-Forwarded-* of this address or network; may be given several times", true},
    {"metrics", "RULE",
     "Who reads /metrics: loopback, token (of HEARTH_METRICS_TOKEN), open, off [loopback; behind a "
     "proxy: off]"},
    {"log-format", "text|json", "Form of the log on standard error [text]"},
    {"access-log", "on|off", "A line for each request [on with json, off with text]"},
    {"slow-ms", "N", "Warn of requests that took the hub longer; 0: never [5000]"},
    {"drain", "SECONDS", "After SIGTERM, go on accepting so long while /readyz says no [0]"},
    {"grace", "SECONDS", "Then let answers under way end for so long [10]"},
    {"keep-alive", "SECONDS", "Close a connection that asks nothing for so long [75]"},
    {"max-connections", "N", "More are turned away [4096]"},
    {"request-memory", "SIZE", "What large requests and commits may hold together; more are told to wait [1GB]"},
    {"upstream-fresh", "SECONDS", "Ask an upstream for new commits at a read after so long [60]"},
    {"upstream-miss", "SECONDS", "Ask it again for a repository that it did not have [300]"},
    {"anonymous-pulls", "on|off|auto",
     "May visitors make something new come from an upstream? auto: when bound to loopback [auto]"},
    {"anonymous-inference", "on|off|auto",
     "May visitors use the engines of public models? auto: when bound to loopback [auto]"},
    {"engine-memory", "SIZE", "What all engines together may take, as 8GB [half of the machine's]"},
    {"engine-streams", "N", "Answers that an engine makes at once; more wait [64]"},
    {"engine-cache", "SIZE", "Memory of an engine's keys and values [a quarter of what is free]"},
    {"private-webhooks", "on|off", "May webhooks call this machine and private networks? [off]"},
    {"rate-limit", "LIMIT",
     "[anonymous-]KIND=REQUESTS[/SECONDS] with the kinds api, resolvers, pages; or off [the Hub's; on loopback far "
     "more]",
     true},
};

constexpr Command kRows[] = {{
    .verb = "serve",
    .usage = "",
    .summary = "Serve the hub: repositories, pages, engines.",
    .options = kOptions,
    .help =
        "Everything lies in one folder (--data DIR, or HEARTH_DATA, else ./data), made at the first start. It runs in "
        "the foreground until Ctrl-C. --database, --objects and --repositories are written to DATA/hearth.toml at the "
        "first start and read from there by every command.\n\n"
        "Examples\n"
        "  $ hearth serve\n"
        "  $ hearth serve --host 0.0.0.0 --port 80 --data /srv/hearth\n"
        "  $ hearth serve --host 0.0.0.0 --port 443 --tls-cert hub.pem --tls-key hub.key --http-port 80\n"
        "  $ hearth serve --trusted-proxy 127.0.0.1 --public-url https://hub.example.org",
    .object = "hub",
}};

}  // namespace
extern constinit const Commands serve_entry{Group::hub, "serve", "Serve the hub.", kRows};
}  // namespace hearth::cli::commands
