#include "inference/load_options.h"

#include "base/text.h"

namespace hearth::inference {

Result<LoadOptions> load_options(const Arguments& arguments) {
  LoadOptions out;
  if (arguments.has("exact") && arguments.has("fast"))
    return Status(Code::bad_input, "--exact and --fast exclude each other");
  if (arguments.has("exact")) out.numerics = Numerics::exact;
  if (arguments.has("fast")) out.numerics = Numerics::fast;
  const auto dtype = arguments.get("dtype", "f32");
  if (dtype == "bf16" || dtype == "bfloat16") {
    if (arguments.has("fast")) return Status(Code::bad_input, "--fast computes with 8-bit integers: leave --dtype out");
    out.dtype = DType::bf16;
    out.numerics = Numerics::exact;
  } else if (dtype != "f32" && dtype != "float32") {
    return Status(Code::bad_input, cat("--dtype ", dtype, " is not known (f32, bf16)"));
  }
  out.backend = arguments.get("backend");
  return out;
}

}  // namespace hearth::inference
