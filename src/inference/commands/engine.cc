// hearth engine: loads one model and serves it on a Unix socket until it is told to stop.
#include "inference/commands_registry.h"
#include "inference/load_options.h"
#include "inference/openai_server.h"

namespace hearth::inference::commands {
namespace {

Status serve(const Arguments& arguments) {
  const std::string model(arguments.get("model"));
  const std::string socket(arguments.get("socket"));
  if (model.empty() || socket.empty()) return Status(Code::bad_input, "engine needs --model PATH and --socket PATH");
  Engine engine(TRY(TextGenerationPipeline::from_pretrained(model, TRY(load_options(arguments)))), {});
  OpenAiServer handler(engine, std::string(arguments.get("name", model)));
  net::ServerOptions options;
  options.unix_path = socket;
  options.stop_on_signals = true;
  options.pool_threads = 32;  // each answer that is not streamed keeps one while it is made
  const auto server = TRY(net::Server::listen(options, handler));
  server->run();
  return {};
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = serve(arguments);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace
extern constinit const CommandBody engine_entry{"engine", run};
}  // namespace hearth::inference::commands
