// hearth convert: a checkpoint in another format, type or number of files.
#include "base/text.h"
#include "inference/commands_registry.h"
#include "transformers/model_source.h"
#include "transformers/save_pretrained.h"

namespace hearth::inference::commands {
namespace {

Result<SaveOptions> read_options(const Arguments& arguments) {
  SaveOptions out;
  const auto format = arguments.get("format");
  if (format == "bin") {
    out.format = WeightFormat::torch;
  } else if (!format.empty() && format != "safetensors") {
    return Status(Code::bad_input, cat("--format ", format, " is not known (safetensors, bin)"));
  }
  const auto dtype = arguments.get("dtype");
  if (dtype == "f32") out.dtype = DType::f32;
  if (dtype == "f16") out.dtype = DType::f16;
  if (dtype == "bf16") out.dtype = DType::bf16;
  if (!dtype.empty() && !out.dtype)
    return Status(Code::bad_input, cat("--dtype ", dtype, " is not known (f32, f16, bf16)"));
  out.max_shard_bytes = TRY(arguments.get_int("max-shard-bytes", out.max_shard_bytes, 1, int64_t{1} << 60));
  return out;
}

Status convert(const Arguments& arguments) {
  const auto words = arguments.positional();
  if (words.size() != 2) return {Code::bad_input, "hearth convert takes MODEL and where to write it"};
  const auto options = TRY(read_options(arguments));
  return save_pretrained(TRY(resolve_model(words[0], nullptr, {}, ModelUse::convert)), words[1], options);
}

int run(const Arguments& arguments, Terminal& terminal) {
  const auto status = convert(arguments);
  return status.ok() ? 0 : terminal.fail(status);
}

}  // namespace

extern constinit const CommandBody convert_entry{"convert", run};

}  // namespace hearth::inference::commands
