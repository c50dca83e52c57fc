// hearth convert: flags and help; the body is in inference/commands/convert.cc.
#include "cli/commands_registry.h"

namespace hearth::cli::commands {
namespace {

constexpr Option kOptions[] = {
    {"format", "NAME", "of a folder's weights: safetensors (default) or bin (PyTorch's)"},
    {"dtype", "TYPE", "f32, f16 or bf16, of all floating-point weights; default: as they are, GGUF's blocks as f32"},
    {"max-shard-bytes", "N", "begin another file after so many bytes (default 50 GB)"},
};
constexpr Command kRows[] = {{
    .verb = "convert",
    .usage = "MODEL TO",
    .summary = "Write a model's weights in another format.",
    .options = kOptions,
    .help = "MODEL is a folder, a weight file (safetensors, pytorch_model.bin, GGUF,\n"
            "flax_model.msgpack, tf_model.h5 with config.json beside it) or a repository; TO a new folder,\n"
            "which gets configuration and tokenizer too (not a GGUF file's tokenizer), or a file that ends in\n"
            ".safetensors, .gguf (with the tokenizer, as llama.cpp reads it), .bin, .pt or .pth.\n"
            "PyTorch's files are read without running anything: a pickle that asks for more than tensors is refused.\n",
    .object = "nn",
}};

}  // namespace

extern constinit const Commands convert_entry{Group::files, "convert", kRows[0].summary, kRows};

}  // namespace hearth::cli::commands
