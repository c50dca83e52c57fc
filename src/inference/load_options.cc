#include "inference/load_options.h"

#include <string>
#include <vector>

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
  if (arguments.has("quantize")) {
    const auto wanted = arguments.get("quantize");
    std::vector<std::string> known;
    for (const auto type : {DType::q4_0, DType::q4_1, DType::q5_0, DType::q5_1, DType::q8_0}) {
      known.push_back(to_lower_ascii(name(type)));
      if (known.back() == to_lower_ascii(wanted)) out.quantize = type;
    }
    if (!out.quantize)
      return Status(Code::bad_input, cat("--quantize ", wanted, " is not known (", join(known, ", "), ")"));
  }
  out.backend = arguments.get("backend");
  return out;
}

Result<EngineOptions> engine_options(const Arguments& arguments) {
  EngineOptions out;
  constexpr int64_t kStreamsMax = 1024, kWaitingMax = 1 << 20;
  out.active_max =
      static_cast<size_t>(TRY(arguments.get_int("streams", static_cast<int64_t>(out.active_max), 1, kStreamsMax)));
  out.waiting_max =
      static_cast<size_t>(TRY(arguments.get_int("waiting", static_cast<int64_t>(out.waiting_max), 1, kWaitingMax)));
  out.speculate = TRY(arguments.get_int("speculate", 0, 0, 15));
  out.cache_bytes = TRY(arguments.get_size("cache-bytes", 0));
  out.prefix_file = arguments.get("prefix-file");
  if (arguments.has("prefix-bytes")) out.prefix_bytes = TRY(arguments.get_size("prefix-bytes", 0));
  return out;
}

}  // namespace hearth::inference
