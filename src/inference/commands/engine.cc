// hearth engine: loads one model and serves it on a Unix socket until it is told to stop.
#include <unistd.h>

#include "base/files.h"
#include "inference/commands_registry.h"
#include "inference/engine_server.h"
#include "inference/load_options.h"
#include "inference/server_parts.h"
#include "transformers/models_registry.h"

namespace hearth::inference::commands {
namespace {

Status serve(const Arguments& arguments) {
  const std::string model(arguments.get("model"));
  const std::string socket(arguments.get("socket"));
  if (model.empty() || socket.empty()) return Status(Code::bad_input, "engine needs --model PATH and --socket PATH");
  const std::string name(arguments.get("name", model));
  Telemetry telemetry(name);
  const auto served =
      TRY(ServedModel::open(model, TRY(load_options(arguments)), TRY(engine_options(arguments)), &telemetry));
  if (served->continues_text()) TRY(served->decoder());  // what is wrong with it is told at once
  EngineServer handler(*served, name, telemetry);
  net::ServerOptions options;
  options.unix_path = socket;
  if (arguments.has("listening")) options.listening_fd = ::dup(STDIN_FILENO);
  options.stop_on_signals = true;
  options.pool_threads = kServerThreads;
  const auto server = TRY(net::Server::listen(options, handler));
  if (arguments.has("listening")) TRY(write_file(socket + ".ready", ""));
  server->run();
  return {};
}

// What the hub may ask engines for, by model_type and by GGUF's general.architecture.
std::string families_json() {
  Json::Array model_types, gguf;
  for (const auto* family : transformers::models::entries()) {
    model_types.insert(model_types.end(), family->model_types.begin(), family->model_types.end());
    gguf.insert(gguf.end(), family->gguf.begin(), family->gguf.end());
  }
  return Json(Json::Object{{"model_types", std::move(model_types)}, {"gguf", std::move(gguf)}}).dump();
}

int run(const Arguments& arguments, Terminal& terminal) {
  if (arguments.has("families")) {
    terminal.print_line(families_json());
    return 0;
  }
  const auto status = serve(arguments);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody engine_entry{"engine", run};
}  // namespace hearth::inference::commands
