// hearth serve: the hub in the foreground, until SIGINT or SIGTERM.
#include "base/files.h"
#include "base/log.h"
#include "base/process.h"
#include "base/served.h"
#include "base/text.h"
#include "endpoints/endpoints.h"
#include "server/background.h"
#include "server/commands_registry.h"
#include "server/data_folder.h"
#include "server/server.h"
#include "server/services.h"

namespace hearth::server::commands {
namespace {

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Status serve(const Arguments& arguments, Terminal& terminal) {
  const auto folder = data_folder();
  const std::string host(arguments.get("host", "127.0.0.1"));
  const auto port = TRY(arguments.get_int("port", 8686, 0, 65535));
  const auto inference = arguments.get("anonymous-inference", "auto");
  if (inference != "auto" && inference != "on" && inference != "off")
    return Status(Code::bad_input, cat("--anonymous-inference takes on, off or auto, not '", inference, "'"));

  const auto hub = TRY(hub::Hub::open(folder));
  TRY(hub->recover());
  TRY(remove_all(path_join(folder, "engines")));  // links for engines, made again on demand

  endpoints::Endpoints engines({.program = executable_path(), .folder = path_join(folder, "run")});
  const Services services{
      .hub = *hub,
      .signer = TRY(Signer::open(path_join(folder, "signing.key"))),
      .web_folder = path_join(path_parent(path_parent(executable_path())), "web"),
      .on_loopback = is_loopback(host),
      .endpoints = &engines,
      .anonymous_inference = inference == "on" || (inference == "auto" && is_loopback(host)),
  };
  Front front(services);
  const Background background(services);

  net::ServerOptions options;
  options.host = host;
  options.port = static_cast<int>(port);
  options.stop_on_signals = true;
  const auto server = TRY(net::Server::listen(options, front));
  const auto url = server->address();
  if (const auto remembered = remember_served(url); !remembered.ok())
    log(LogLevel::warning, "server", remembered.message());
  terminal.note(cat("Hearth serves ", folder, " at ", url));
  server->run();
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = serve(arguments, terminal);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody serve_entry{"serve", run};
}  // namespace hearth::server::commands
