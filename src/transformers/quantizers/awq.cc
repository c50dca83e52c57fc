// AWQ: codes of 4 bits packed along the outputs (`gemm`: X.qweight [inputs, outputs / 8], X.qzeros [groups,
// outputs / 8], X.scales [groups, outputs]) or along the inputs (`gemv`: everything transposed, groups padded), in the
// type of the scales: scale * (code - zero). `gemv_fast` and `llm-awq` have codes in the order of their kernel and
// zeros that were scaled: scale * code + zero. Source: AutoAWQ 0.2.9 utils/packing_utils.py (dequantize_gemm),
// modules/linear/gemv.py, gemv_fast.py (pack_intweight); GPTQModel 7.7.0 nn_modules/qlinear/gemv_fast_awq.py (names of
// llm-awq); transformers 5.23.0 AwqConfig.
#include <array>

#include "base/text.h"
#include "transformers/quantized_weights.h"

namespace hearth::transformers::quantizers {
namespace {

constexpr int kBits = 4;
constexpr int64_t kCodes = 32 / kBits;                               // of a word
constexpr std::array<int64_t, 8> kPlace = {0, 4, 1, 5, 2, 6, 3, 7};  // of each output in a word of `gemm`

struct Parts {
  WeightSource qweight, zeros, scales;
  int64_t outputs = 0, inputs = 0, groups = 0;

  int64_t group_size() const { return inputs / groups; }
};

enum class Layout { gemm, gemv, gemv_fast };

std::vector<int32_t> groups_in_order(const Parts& parts) {
  std::vector<int32_t> out(static_cast<size_t>(parts.inputs));
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<int32_t>(static_cast<int64_t>(i) / parts.group_size());
  return out;
}

/// Where input `i` of output `row` lies among the 4-bit codes of `gemv_fast`: four rows are interleaved, each in pieces
/// of 64 inputs, whose 32s are in the order that the kernel unpacks. Inverts pack_intweight.
int64_t fast_place(int64_t row, int64_t i, int64_t inputs) {
  const int64_t in = i % 32;
  // [4, 4, 2] -> second, first, third dimension; then of each 8, those of even place first.
  const int64_t turned = in % 8 / 2 * 8 + in / 8 * 2 + in % 2;
  const int64_t ordered = turned / 8 * 8 + turned % 2 * 4 + turned % 8 / 2;
  const int64_t piece = i / 64, place = i % 64 / 32 * 32 + ordered;
  // A word of 16 bits holds four codes that follow each other in the flat [rows / 4, pieces, 4, 64].
  return row / 4 * 4 * inputs + (piece * 4 + row % 4) * 64 + place;
}

class Matrix final : public CodedMatrix {
 public:
  Matrix(Parts parts, Layout layout)
      : CodedMatrix(parts.scales.dtype, kBits, parts.outputs, parts.inputs, parts.groups),
        parts_(std::move(parts)),
        layout_(layout) {}

 private:
  Result<CodeMeaning> meaning() const override {
    CodeMeaning out{.scales = std::vector<float>(static_cast<size_t>(outputs_ * groups_)),
                    .zeros = std::vector<float>(static_cast<size_t>(outputs_ * groups_)),
                    .group_of_input = groups_in_order(parts_),
                    .are_zeros_scaled = layout_ == Layout::gemv_fast};
    const auto scales = TRY(numbers_of(parts_.scales));
    const auto scaled_zeros = out.are_zeros_scaled ? TRY(numbers_of(parts_.zeros)) : std::vector<float>();
    const auto columns = parts_.scales.shape[1];
    for (int64_t row = 0; row < outputs_; ++row)
      for (int64_t group = 0; group < groups_; ++group) {
        const auto at = static_cast<size_t>(row * groups_ + group);
        const auto from = static_cast<size_t>(layout_ == Layout::gemv ? row * columns + group : group * columns + row);
        out.scales[at] = scales[from];
        out.zeros[at] = out.are_zeros_scaled ? scaled_zeros[from] : static_cast<float>(zero(row, group));
      }
    return out;
  }
  void read_codes(int64_t begin, int64_t end, uint8_t* out) const override {
    for (int64_t i = 0; i < inputs_; ++i)
      for (int64_t row = begin; row < end; ++row) out[(row - begin) * inputs_ + i] = static_cast<uint8_t>(code(row, i));
  }
  void forget_codes() const override { forget(parts_.qweight); }
  static uint32_t in_gemm_order(const std::byte* words, int64_t index) {
    return code_at(words, 1, index / kCodes * kCodes + kPlace[static_cast<size_t>(index % kCodes)], kBits);
  }
  const std::byte* row_of(const WeightSource& words, int64_t row) const {
    return words.data.data() + row * words.shape[1] * 4;
  }
  uint32_t zero(int64_t row, int64_t group) const {
    return layout_ == Layout::gemm ? in_gemm_order(row_of(parts_.zeros, group), row)
                                   : code_at(row_of(parts_.zeros, row), 1, group, kBits);
  }
  uint32_t code(int64_t row, int64_t input) const {
    if (layout_ == Layout::gemm) return in_gemm_order(row_of(parts_.qweight, input), row);
    if (layout_ == Layout::gemv) return code_at(row_of(parts_.qweight, row), 1, input, kBits);
    const auto place = fast_place(row, input, inputs_);
    return std::to_integer<uint32_t>(parts_.qweight.data[static_cast<size_t>(place / 2)]) >> (place % 2 * 4) & 15;
  }

  const Parts parts_;
  const Layout layout_;
};

/// group_size of the configuration, which must divide the inputs.
Result<int64_t> group_count(const WeightSource& qweight, int64_t inputs, const Json& settings) {
  const auto& named = settings.find("group_size") ? settings["group_size"] : settings["q_group_size"];
  const auto size = named.as_int(128) > 0 ? named.as_int(128) : inputs;
  if (inputs < 1 || inputs % size != 0)
    return misfit(qweight, cat("of inputs that groups of ", size, " divide; there are ", inputs));
  return inputs / size;
}

Result<Parts> gemm_parts(Parts parts, const Json& settings) {
  const auto& [qweight, zeros, scales, a, b, c] = parts;
  if (qweight.dtype != DType::i32 || qweight.shape.size() != 2) return misfit(qweight, "a matrix of I32");
  parts.inputs = qweight.shape[0];
  parts.outputs = qweight.shape[1] * kCodes;
  parts.groups = TRY(group_count(qweight, parts.inputs, settings));
  if (zeros.dtype != DType::i32 || zeros.shape != Shape{parts.groups, qweight.shape[1]})
    return misfit(zeros, cat("I32 words for ", parts.groups, " groups and ", parts.outputs, " outputs"));
  if (scales.shape != Shape{parts.groups, parts.outputs})
    return misfit(scales, cat("a factor for each of ", parts.groups, " groups and ", parts.outputs, " outputs"));
  return parts;
}

Result<Parts> gemv_parts(Parts parts, const Json& settings) {
  const auto& [qweight, zeros, scales, a, b, c] = parts;
  if (qweight.dtype != DType::i32 || qweight.shape.size() != 2) return misfit(qweight, "a matrix of I32");
  parts.outputs = qweight.shape[0];
  parts.inputs = qweight.shape[1] * kCodes;
  parts.groups = TRY(group_count(qweight, parts.inputs, settings));
  if (zeros.dtype != DType::i32 || zeros.shape.size() != 2 || zeros.shape[0] != parts.outputs ||
      zeros.shape[1] < words_of(parts.groups, kBits))
    return misfit(zeros, cat("I32 words for ", parts.outputs, " outputs and ", parts.groups, " groups"));
  if (scales.shape.size() != 2 || scales.shape[0] != parts.outputs || scales.shape[1] < parts.groups)
    return misfit(scales, cat("a factor for each of ", parts.outputs, " outputs and ", parts.groups, " groups"));
  return parts;
}

Result<Parts> fast_parts(Parts parts, const Json& settings) {
  const auto& [qweight, zeros, scales, a, b, c] = parts;
  if (qweight.dtype != DType::i16 || qweight.shape.size() != 2 || qweight.shape[1] % 64 != 0)
    return misfit(qweight, "a matrix of I16 with whole 64s of columns");
  parts.outputs = qweight.shape[0] * 4;
  parts.inputs = qweight.shape[1];
  parts.groups = TRY(group_count(qweight, parts.inputs, settings));
  for (const auto* part : {&zeros, &scales})
    if (part->shape.size() != 2 || part->shape[0] < parts.groups || part->shape[1] != parts.outputs)
      return misfit(*part, cat("a number for each of ", parts.groups, " groups and ", parts.outputs, " outputs"));
  return parts;
}

Status unpack_module(WeightTable& table, const std::string& module, const Json& settings, Layout layout) {
  const bool is_llm_awq = layout == Layout::gemv_fast && table.find(module + ".scaled_zeros");
  Parts taken{.qweight = TRY(table.take(module + ".qweight")),
              .zeros = TRY(table.take(module + (is_llm_awq ? ".scaled_zeros" : ".qzeros"))),
              .scales = TRY(table.take(module + ".scales"))};
  auto parts = TRY((layout == Layout::gemm   ? gemm_parts
                    : layout == Layout::gemv ? gemv_parts
                                             : fast_parts)(std::move(taken), settings));
  if (is_block_type(parts.scales.dtype) || !kernels::can_pack(parts.scales.dtype) || parts.outputs < 1)
    return misfit(parts.scales, "factors of F16, BF16 or F32");
  const auto dtype = parts.scales.dtype;
  const Shape shape{parts.outputs, parts.inputs};
  table.add(encoded_source(module, dtype, shape, std::make_shared<Matrix>(std::move(parts), layout)));
  return {};
}

Status unpack_all(std::vector<WeightSource>& sources, const Json& settings) {
  const auto bits = settings.find("bits") ? settings["bits"].as_int() : settings["w_bit"].as_int(kBits);
  if (bits != kBits)
    return {Code::unsupported, cat("quantization_config: AWQ weights of ", bits, " bits; read are those of 4")};
  std::string version = to_lower_ascii(settings.find("version") ? settings["version"].as_string("gemm")
                                                                : settings["format"].as_string("gemm"));
  if (settings["backend"].as_string() == "llm-awq") version = "llm-awq";
  const auto layout = version == "gemm"                                ? std::optional(Layout::gemm)
                      : version == "gemv"                              ? std::optional(Layout::gemv)
                      : version == "gemv_fast" || version == "llm-awq" ? std::optional(Layout::gemv_fast)
                                                                       : std::nullopt;
  if (!layout)
    return {Code::unsupported, cat("quantization_config: AWQ weights in the format '", version,
                                   "'; read are gemm, gemv, gemv_fast and llm-awq")};
  WeightTable table(sources);
  for (const auto& module : table.modules_with(".qweight")) TRY(unpack_module(table, module, settings, *layout));
  table.finish();
  return {};
}

}  // namespace

extern constinit const Quantizer awq_entry{"awq", unpack_all};

}  // namespace hearth::transformers::quantizers
