// hearth engine: flags; the body is in inference/commands/engine.cc. The hub starts it; people may, to debug a model.
#include "cli/commands_registry.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"model", "PATH", "Folder or weight file"},
    {"socket", "PATH", "Unix socket to serve on"},
    {"listening", "", "Standard input is that socket, which the hub listens on already"},
    {"name", "ID", "What answers say their model is"},
    {"families", "", "Print the model types that engines know, as JSON, and end"},
    {"exact", "", "Weights dequantized, f32 arithmetic"},
    {"fast", "", "8-bit activations on quantized weights"},
    {"dtype", "f32|bf16", "Arithmetic of --exact"},
    {"quantize", "TYPE", "Round plain weights to q4_0, q4_1, q5_0, q5_1 or q8_0 while loading"},
    {"backend", "native|aten", "Whose kernels"},
    {"streams", "N", "Answers made at once; more wait [64]"},
    {"speculate", "N", "Guess N tokens from the text and check them at once: texts that repeat come faster [0]"},
    {"waiting", "N", "Requests that wait; more are refused [1024]"},
    {"cache-bytes", "SIZE", "Memory of all keys and values, as 2GB [a quarter of what is free]"},
    {"prefix-bytes", "SIZE", "Of it, for what was read and may be asked again; 0 keeps nothing [a part]"},
    {"prefix-file", "PATH", "Keep what was read in this file over a restart"},
};

constexpr Command kRows[] = {{
    .verb = "engine",
    .usage = "",
    .summary = "Serve one model on a Unix socket (the hub starts these by itself).",
    .options = kOptions,
    .help = "Examples\n"
            "  $ hearth engine --model model.gguf --socket /tmp/engine.sock\n"
            "  $ curl --unix-socket /tmp/engine.sock http://engine/v1/models",
    .object = "nn",
}};

}  // namespace
extern constinit const Commands engine_entry{Group::internal, "engine", kRows[0].summary, kRows};
}  // namespace hearth::cli::commands
