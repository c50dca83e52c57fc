// hearth serve: the hub in the foreground, until SIGINT or SIGTERM.
#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <thread>

#include "base/files.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/process.h"
#include "base/served.h"
#include "base/text.h"
#include "endpoints/endpoints.h"
#include "hub/catalog.h"
#include "hub/configuration.h"
#include "server/background.h"
#include "server/bucket_feed.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"
#include "server/metrics.h"
#include "server/network.h"
#include "server/pull_through.h"
#include "server/push_hooks.h"
#include "server/rate_limit.h"
#include "server/server.h"
#include "server/services.h"
#include "server/systemd.h"
#include "server/tokenizer_cache.h"
#include "server/xet_sessions.h"

namespace hearth::server::commands {
namespace {

/// Flags of serve that are flags of every engine.
std::vector<std::string> engine_arguments(const Arguments& arguments) {
  std::vector<std::string> out;
  for (const auto& [name, of_engine] :
       {std::pair{"engine-streams", "--streams"}, std::pair{"engine-cache", "--cache-bytes"}})
    if (arguments.has(name)) out.insert(out.end(), {of_engine, std::string(arguments.get(name))});
  return out;
}

// One server a folder: two would remove each other's sockets and engine files. Held while the descriptor is open.
Result<Fd> lock_folder(const std::string& folder) {
  const auto path = path_join(folder, "run/serve.lock");
  TRY(make_folders(path_join(folder, "run"), 0700));
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return errno_status("cannot open", path);
  if (flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return errno_status("cannot lock", path);
  return Status(Code::busy, cat("another `hearth serve` runs on ", folder,
                                ". Several fronts of one hub have a folder each, and share --database, --objects and "
                                "--repositories"));
}

// on, off, or auto: what the address that is listened on suggests.
Result<bool> read_choice(const Arguments& arguments, std::string_view name, bool automatic) {
  const auto choice = arguments.get(name, "auto");
  if (choice == "auto") return automatic;
  if (choice == "on" || choice == "off") return choice == "on";
  return Status(Code::bad_input, cat("--", name, " takes on, off or auto, not '", choice, "'"));
}

Status serve(const Arguments& arguments, Terminal& terminal) {
  const auto folder = data_folder();
  TRY(make_folders(folder));
  auto network = TRY(read_network(arguments, folder));
  const auto& host = network.server.host;
  const bool is_own = is_loopback(host) && !network.ingress.behind_proxy();  // visitors are users of this machine
  const bool anonymous_inference = TRY(read_choice(arguments, "anonymous-inference", is_loopback(host)));
  const bool anonymous_pulls = TRY(read_choice(arguments, "anonymous-pulls", is_own));
  const auto webhooks = arguments.get("private-webhooks", "off");
  if (webhooks != "on" && webhooks != "off")
    return Status(Code::bad_input, cat("--private-webhooks takes on or off, not '", webhooks, "'"));

  TRY(hub::configure(folder, {.database = std::string(arguments.get("database")),
                              .objects = std::string(arguments.get("objects")),
                              .repositories = std::string(arguments.get("repositories"))}));
  const auto lock = TRY(lock_folder(folder));
  const auto hub = TRY(hub::Hub::open(folder));
  TRY(hub->remove_unfinished());
  TRY(remove_all(path_join(folder, "engines")));  // links for engines, made again on demand

  endpoints::Endpoints engines(
      {.program = executable_path(),
       .folder = path_join(folder, "run"),
       .memory_bytes = TRY(arguments.get_size("engine-memory", machine_memory().total_bytes / 2)),
       .engine_arguments = engine_arguments(arguments),
       .environment = {"HEARTH_LOG_FD=1", cat("HEARTH_LOG_FORMAT=", arguments.get("log-format", "text"))}});
  Metrics metrics;
  auto rates = standard_rates(is_own);
  for (const auto& text : arguments.all("rate-limit")) TRY(set_rate(rates, text));
  RateLimiter limiter(rates);
  PullThrough pull_through(*hub,
                           {.fresh_ms = network.fresh_ms, .miss_ms = network.miss_ms, .anonymous = anonymous_pulls});
  const auto push_hooks = PushHooks::start(*hub);
  if (!push_hooks.ok()) log(LogLevel::warning, "server", push_hooks.status().message());
  BucketFeed bucket_feed(*hub);
  XetSessions xet_sessions;
  TokenizerCache tokenizers(path_join(folder, "tokenizing"));
  Budget memory(static_cast<uint64_t>(network.memory_bytes));
  network.server.memory = &memory;
  const Services services{
      .hub = *hub,
      .signer = TRY(Signer::open(*hub)),
      .web_folder = path_join(path_parent(path_parent(executable_path())), "web"),
      .on_loopback = is_loopback(host),
      .endpoints = &engines,
      .bucket_feed = &bucket_feed,
      .anonymous_inference = anonymous_inference,
      .pull_through = &pull_through,
      .ingress = &network.ingress,
      .metrics = &metrics,
      .metrics_rule = network.metrics_rule,
      .access_log = network.access_log,
      .slow_s = network.slow_s,
      .private_webhooks = webhooks == "on",
      .limiter = &limiter,
      .push_hooks = push_hooks.ok() ? push_hooks->get() : nullptr,
      .xet_sessions = &xet_sessions,
      .memory = &memory,
      .tokenizers = &tokenizers,
  };
  Front front(services);
  const Background background(services);

  const auto server = TRY(net::Server::listen(network.server, front));
  const auto url = server->address();
  if (const auto remembered = remember_served(url); !remembered.ok())
    log(LogLevel::warning, "server", remembered.message());
  const auto public_url = arguments.get("public-url");
  if (const auto remembered = remember_address(folder, public_url.empty() ? std::string_view(url) : public_url);
      !remembered.ok())
    log(LogLevel::warning, "server", remembered.message());
  terminal.note(cat("Hearth serves ", folder, " at ", join(server->addresses(), ", ")));
  if (const auto user = hub->db().query_one("SELECT 1 FROM users LIMIT 1"); user.ok() && !*user)
    terminal.note(cat("Nobody has an account yet: hearth admin user create NAME --admin --data ", folder));
  metrics.watch(server.get());
  notify_systemd(cat("READY=1\nSTATUS=Serving at ", url));
  const Watchdog watchdog;
  // A hub of a million repositories answers from the first moment; lists wait for the catalog.
  const std::jthread preparing([&hub](const std::stop_token& stop) {
    auto prepared = hub->catalog().load();
    if (prepared.ok()) prepared = hub->catch_up(stop);
    if (!prepared.ok()) log(LogLevel::warning, "hub", cat("while starting: ", prepared.message()));
  });
  server->run();
  notify_systemd("STOPPING=1");
  metrics.watch(nullptr);
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = serve(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody serve_entry{"serve", run};
}  // namespace hearth::server::commands
